// Tremplin by its programs, as people try it: `serve`, `listen` and `call` as processes of their own, every call made by its example, and
// what the listener prints read as it stands there.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { listUsbPorts } from "../../services/tremplin/usb/ports.js";
import { ownProgram } from "../helpers/own-program.js";
import { type Program, runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { makeTremplinWorld, type TremplinWorld } from "../helpers/tremplin.js";
import { placesIn, runTremplin, startServing } from "../helpers/tremplin-programs.js";
import { until } from "../helpers/until.js";

const EXAMPLES = new URL("../../examples/tremplin/", import.meta.url);
const RPCS = [
  ...["StartLxd", "CreateContainer", "DeleteContainer", "StartContainer", "StopContainer", "GetContainerUsername"],
  ...["SetUpUser", "GetContainerInfo", "SetTimezone", "ExportContainer", "CancelExportContainer", "ImportContainer"],
  ...["CancelImportContainer", "UpgradeContainer", "CancelUpgradeContainer", "HostNetworkChanged", "GetDebugInfo"],
  ...["AttachUsbToContainer", "DetachUsbFromContainer"],
];
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;

describe.skipIf(requires.root() || requires.binary("lxd"))(
  "tremplin, over TCP to the server, over a socket to the listener",
  () => {
    const scope = new DisposeScope();
    let world: TremplinWorld;
    let listener: Program;
    let server: Program;
    let address: string;
    let seen = 0;

    beforeAll(async () => {
      world = await makeTremplinWorld(scope);
      const { dir, lxdCommand } = world;
      const script = fileURLToPath(new URL("make-image.sh", EXAMPLES));
      expect(await runProgram("sh", [script, join(dir, "example")])).toMatchObject({ code: 0, stderr: "" });
      const told = await startServing(scope, ["listen", "--address", `unix:${join(dir, "l.sock")}`]);
      listener = told.program;
      const flags = ["--listener", told.address, "--address", "127.0.0.1:0", "--lxd-program", lxdCommand[0]];
      ({ program: server, address } = await startServing(scope, ["serve", ...flags, ...placesIn(dir)]));
    }, 120_000);
    afterAll(() => scope[Symbol.asyncDispose]());

    /** What the listener has printed, without the times. */
    const told = (): string[] => {
      const lines = listener.stdout().split("\n").slice(1, -1);
      for (const line of lines) expect(line).toMatch(TIME);
      return lines.map((line) => line.replace(TIME, ""));
    };
    /** Its lines since the last time, until one is as wanted; those about ports come at any time, and count only if wanted. */
    const hears = async (last: RegExp): Promise<string[]> => {
      const isCounted = (line: string): boolean => last.test(line) || !line.startsWith("UpdateListeningPorts");
      const at = await until(`${last} from the listener, after ${told().slice(seen).join("; ")}`, () => {
        const found = told().findIndex((line, index) => index >= seen && last.test(line));
        return found < 0 ? undefined : { found };
      });
      const lines = told()
        .slice(seen, at.found + 1)
        .filter(isCounted);
      seen = at.found + 1;
      return lines;
    };
    /** Makes the call of an example. @returns the reply on one line */
    const call = async (rpc: string, example = rpc.replace(/\B[A-Z]/g, (letter) => `-${letter}`).toLowerCase()) => {
      const text = await readFile(new URL(`${example}.textproto`, EXAMPLES), "utf8");
      const { code, stdout, stderr } = await runTremplin(["call", "--address", address, rpc, "--infile", "-"], {
        input: text
          .replaceAll("/tmp/tremplin-example", join(world.dir, "example"))
          .replace("https://images.lxd.canonical.com/", "https://127.0.0.1:1/"),
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: `connecting to ${address}\nRpc succeeded with OK status\n` });
      return stdout.trim().replaceAll(/\s+/g, " ");
    };
    const inside = async (...command: string[]): Promise<string> =>
      await world.must(["exec", "penguin", "--", ...command]);

    test("the listener is told that the server is there, and the server tells its calls", async () => {
      expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(await hears(/./)).toEqual(["TremplinReady"]);
      expect((await runTremplin(["ls", "--address", address])).stdout.trim().split("\n")).toEqual(RPCS);
    });

    test("before LXD runs, calls say so", async () => {
      const replies = await Promise.all([
        call("GetDebugInfo"),
        call("AttachUsbToContainer"),
        call("CreateContainer", "create-container-from-files"),
        call("SetTimezone"),
      ]);
      expect(replies).toEqual([
        'debug_information: "LXD not running"',
        'status: FAILED failure_reason: "USB manager not ready"',
        'status: FAILED failure_reason: "LXD is not running"',
        'failure_reasons: "Ignoring SetTimezone request before LXD is running"',
      ]);
    });

    test("StartLxd", async () => {
      expect(await call("StartLxd")).toBe("status: STARTING");
      expect(await hears(/UpdateStartLxdStatus/)).toEqual(["UpdateStartLxdStatus status: STARTED"]);
      expect(await call("StartLxd")).toBe("status: ALREADY_RUNNING");
    });

    test("CreateContainer", async () => {
      expect(await call("CreateContainer")).toBe("status: CREATING");
      const [failure, ...more] = await hears(/UpdateCreateStatus/);
      expect(failure).toMatch(
        /^UpdateCreateStatus status: FAILED container_name: "penguin" failure_reason: "failed to .*127\.0\.0\.1:1/,
      );
      expect(more).toEqual([]);
      expect(await call("CreateContainer", "create-container-from-files")).toBe("status: CREATING");
      expect(await hears(/UpdateCreateStatus/)).toEqual([
        'UpdateCreateStatus status: CREATED container_name: "penguin"',
      ]);
    });

    test("StartContainer, GetContainerInfo", async () => {
      expect(await call("GetContainerInfo")).toBe(
        'status: STOPPED failure_reason: "container not running, status is: 102"',
      );
      expect(await call("StartContainer")).toMatch(/^status: STARTING os_release \{ pretty_name: "Busybox" /);
      expect(await hears(/UpdateStartStatus/)).toEqual(['UpdateStartStatus status: STARTED container_name: "penguin"']);
      expect(await inside("cat", "/dev/.container_token")).toBe("d3b07384d113");
      expect(await call("StartContainer")).toBe("status: RUNNING");
      expect(await call("CreateContainer")).toBe("status: EXISTS");
      const info = await until("an address", async () => {
        const text = await call("GetContainerInfo");
        return text.includes("ipv4_address") ? text : undefined;
      });
      const number = Number(/^status: RUNNING ipv4_address: (\d+)$/.exec(info)?.[1]);
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(number);
      expect(`${await world.must(["list", "penguin", "-c4", "--format", "csv"])}`).toContain([...bytes].join("."));
    });

    test("the ports on which it listens", async () => {
      await inside("httpd", "-p", "127.0.0.1:8080");
      await hears(/^UpdateListeningPorts container_ports \{ key: "penguin" value \{ listening_tcp4_ports: 8080 \} \}$/);
    });

    test("berth sees it, too", async () => {
      const [berth, ...first] = ownProgram("berth");
      const tasks = (...args: string[]) =>
        runProgram(berth, [...first, "-a", join(world.dir, "b.sock"), "-n", "tremplin", "tasks", ...args]);
      expect((await tasks("ls")).stdout).toMatch(/^penguin +\d+ +RUNNING/m);
      const exec = await tasks("exec", "--exec-id", "x", "penguin", "cat", "/etc/os-release");
      expect(exec).toMatchObject({ code: 0, stdout: expect.stringContaining('PRETTY_NAME="Busybox"') });
    });

    test("SetUpUser, GetContainerUsername", async () => {
      expect(await call("GetContainerUsername")).toBe(
        'status: USER_NOT_FOUND failure_reason: "failed to find user for uid"',
      );
      expect(await call("SetUpUser")).toBe('status: SUCCESS username: "ada"');
      expect(await call("GetContainerUsername")).toBe('status: SUCCESS username: "ada" homedir: "/home/ada"');
      expect(await inside("id", "-u", "ada")).toBe("1000");
    });

    test("SetTimezone, HostNetworkChanged, GetDebugInfo", async () => {
      const rpcs = ["SetTimezone", "HostNetworkChanged", "GetDebugInfo"];
      const replies = await Promise.all(rpcs.map((rpc) => call(rpc)));
      expect(replies).toEqual(["successes: 1", "", expect.stringMatching(/^debug_information: ".*"$/)]);
      expect(await inside("sh", "-c", "echo $TZ")).toBe("CET-1CEST,M3.5.0,M10.5.0/3");
    });

    test("AttachUsbToContainer, DetachUsbFromContainer", async () => {
      // As the machine is.
      const isThere = (await listUsbPorts("/sys")).length > 0;
      const answer = isThere ? "status: OK" : 'status: FAILED failure_reason: "USB manager not ready"';
      expect(await call("AttachUsbToContainer")).toBe(answer);
      expect(await call("DetachUsbFromContainer")).toBe(answer);
    });

    test("UpgradeContainer, CancelUpgradeContainer", async () => {
      expect(await call("CancelUpgradeContainer")).toBe("status: NOT_RUNNING");
      expect(await call("UpgradeContainer")).toMatch(/^status: NOT_SUPPORTED/);
      const script = "/opt/google/cros-containers/bin/upgrade_container";
      await inside(
        ...[
          "sh",
          "-c",
          `mkdir -p \${1%/*}; printf '#!/bin/sh\\necho to $1\\nexec sleep 1000\\n' > "$1"; chmod 755 "$1"`,
        ],
        ...["sh", script],
      );
      await inside("sh", "-c", "printf 'ID=debian\\nVERSION_ID=\"10\"\\n' > /etc/os-release");
      expect(await call("UpgradeContainer")).toBe("status: STARTED");
      expect(await hears(/UpgradeContainerStatus/)).toEqual([
        'UpgradeContainerStatus container_name: "penguin" status: IN_PROGRESS progress_messages: "to DEBIAN_BULLSEYE"',
      ]);
      expect(await call("UpgradeContainer")).toBe("status: ALREADY_RUNNING");
      expect(await call("CancelUpgradeContainer")).toBe("status: CANCELLED");
      expect(await hears(/UpgradeContainerStatus/)).toEqual([
        'UpgradeContainerStatus container_name: "penguin" status: FAILED failure_reason: "the upgrade was cancelled"',
      ]);
    });

    test("ExportContainer, CancelExportContainer", async () => {
      expect(await call("CancelExportContainer")).toBe("status: OPERATION_NOT_FOUND");
      expect(await call("ExportContainer")).toBe("status: EXPORTING");
      const lines = await hears(/UpdateExportStatus .*status: DONE/);
      for (const line of lines.slice(0, -1)) expect(line).toContain("status: EXPORTING_STREAMING");
      expect(lines.at(-1)).toMatch(
        /^UpdateExportStatus container_name: "penguin" status: DONE total_input_files: (\d+) total_input_bytes: (\d+) input_files_streamed: \1 input_bytes_streamed: \2 bytes_exported: \d+$/,
      );
      expect(await readdir(join(world.dir, "shared"))).toEqual(["penguin.tar.gz"]);
    });

    test("StopContainer", async () => {
      expect(await call("StopContainer")).toBe("status: STOPPING");
      await Promise.all([
        until("the end to be told", () =>
          told().some((line) => line === 'ContainerShutdown container_name: "penguin"'),
        ),
        until("STOPPED", () => told().some((line) => line.startsWith("UpdateStopStatus status: STOPPED"))),
      ]);
      const lines = told()
        .slice(seen)
        .filter((line) => !line.startsWith("UpdateListeningPorts"));
      seen = told().length;
      expect(lines[0]).toBe('UpdateStopStatus status: STOPPING container_name: "penguin"');
      expect(lines.slice(1).sort()).toEqual([
        'ContainerShutdown container_name: "penguin"',
        'UpdateStopStatus status: STOPPED container_name: "penguin"',
      ]);
      expect(await call("StopContainer")).toBe("status: STOPPED");
    });

    test("ImportContainer, CancelImportContainer", async () => {
      expect(await call("CancelImportContainer")).toBe("status: OPERATION_NOT_FOUND");
      expect(await call("ImportContainer")).toBe("status: IMPORTING");
      const lines = await hears(/UpdateImportStatus .*status: (DONE|FAILED)/);
      for (const line of lines.slice(0, -1)) expect(line).toMatch(/status: IMPORTING_(UPLOAD|UNPACK)/);
      expect(lines.at(-1)).toBe('UpdateImportStatus container_name: "penguin" status: DONE');
      expect(await call("GetContainerUsername")).toBe('status: SUCCESS username: "ada" homedir: "/home/ada"');
    });

    test("DeleteContainer", async () => {
      expect(await call("DeleteContainer")).toBe("status: DELETING");
      expect(await hears(/UpdateDeletionStatus/)).toEqual([
        'UpdateDeletionStatus status: DELETED container_name: "penguin"',
      ]);
      expect(await call("DeleteContainer")).toBe("status: DOES_NOT_EXIST");
      expect(await call("GetContainerInfo")).toMatch(/^status: NOT_FOUND/);
    });

    test("SIGTERM ends the server, and LXD with it; the listener ends by SIGINT", async () => {
      server.signal("SIGTERM");
      expect(await server.result).toMatchObject({ code: 0 });
      expect((await world.run(["list"])).code).not.toBe(0);
      listener.signal("SIGINT");
      expect(await listener.result).toMatchObject({ code: 0, stderr: "" });
    });
  },
);
