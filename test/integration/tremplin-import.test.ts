// ImportContainer: archives become containers, in place of those of the same name; what this machine cannot take is refused before.
import { copyFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { isNotFound } from "../../api/core/errors.js";
import {
  CancelImportContainerResponse_Status as Cancel,
  type ContainerImportProgress,
  ContainerStartProgress_Status,
  ExportContainerResponse_Status,
  ContainerExportProgress_Status as ExportProgress,
  ContainerImportProgress_Status as Progress,
  StartContainerResponse_Status,
  ImportContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { addBulk, addOddities, describeContainer, lxdHoldings } from "../helpers/container-content.js";
import { LXD_BUSYBOX } from "../helpers/lxd.js";
import { requires } from "../helpers/requires.js";
import { tarOf } from "../helpers/tar.js";
import { type EmbeddedTremplin, startTremplin } from "../helpers/tremplin.js";

const ARCHIVE = "penguin.tar.gz";
const LAST: readonly Progress[] = [
  Progress.DONE,
  Progress.FAILED,
  Progress.FAILED_ARCHITECTURE,
  Progress.FAILED_SPACE,
  Progress.CANCELLED,
];

describe.skipIf(requires.root() || requires.binary("lxd"))("an import", () => {
  const scope = new DisposeScope();
  const startedMs = Date.now();
  let tremplin: EmbeddedTremplin;

  beforeAll(async () => {
    tremplin = await startTremplin(scope);
    expect(await tremplin.importContainer({ containerName: "copy", importPath: ARCHIVE })).toMatchObject({
      status: Status.FAILED,
      failureReason: expect.stringContaining("LXD"),
    });
    await tremplin.up();
    await tremplin.must(["launch", LXD_BUSYBOX, "penguin"]);
    await addOddities(tremplin, "penguin");
    await addBulk(tremplin, "penguin", { megabytes: 40, files: 100 });
    await exportPenguin();
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const told = (): ContainerImportProgress[] => tremplin.listener.of("updateImportStatus");
  const fileOf = (name: string): string => join(tremplin.sharedDir, name);
  async function exportPenguin(): Promise<void> {
    const request = { containerName: "penguin", exportPath: ARCHIVE };
    expect(await tremplin.exportContainer(request)).toMatchObject({ status: ExportContainerResponse_Status.EXPORTING });
    const isOver = ({ status }: { status: ExportProgress }): boolean => status !== ExportProgress.EXPORTING_STREAMING;
    expect(await tremplin.listener.until("updateExportStatus", isOver)).toMatchObject({ status: ExportProgress.DONE });
  }

  const start = async (containerName: string, importPath: string, availableDiskSpace = 0n): Promise<void> => {
    tremplin.listener.clear();
    const request = { containerName, importPath, availableDiskSpace };
    expect(await tremplin.importContainer(request)).toMatchObject({ status: Status.IMPORTING, failureReason: "" });
  };
  const end = (containerName: string): Promise<ContainerImportProgress> =>
    tremplin.listener.until(
      "updateImportStatus",
      (news) => news.containerName === containerName && LAST.includes(news.status),
    );
  const importFrom = async (...args: Parameters<typeof start>): Promise<ContainerImportProgress> => {
    await start(...args);
    return await end(args[0]);
  };

  test("makes a container with its record", async () => {
    expect(await importFrom("copy", ARCHIVE)).toMatchObject({ status: Progress.DONE, failureReason: "" });
    const statuses = told().map(({ status }) => status);
    const wanted: readonly Progress[] = [Progress.IMPORTING_UPLOAD, Progress.IMPORTING_UNPACK, Progress.DONE];
    expect([...new Set(statuses)]).toEqual(wanted);
    expect(statuses).toEqual(statuses.toSorted((a, b) => wanted.indexOf(a) - wanted.indexOf(b)));
    for (const { status, progressPercent, progressSpeed } of told()) {
      expect(progressPercent).toBeLessThanOrEqual(100);
      if (status === Progress.IMPORTING_UPLOAD) expect(progressSpeed).toBe(0n);
      if (status === Progress.IMPORTING_UNPACK) expect(progressSpeed).toBeGreaterThan(0n);
    }
    expect(await lxdHoldings(tremplin)).toEqual({ instances: ["copy", "penguin"], images: [LXD_BUSYBOX] });
    expect(await tremplin.client.containers.get({}, "copy")).toMatchObject({
      id: "copy",
      runtime: { name: "io.berth.lxd.v1" },
    });
    expect(await tremplin.startContainer({ containerName: "copy" })).toMatchObject({
      status: StartContainerResponse_Status.STARTING,
    });
    const { status } = await tremplin.listener.until("updateStartStatus");
    expect(status).toBe(ContainerStartProgress_Status.STARTED);
    expect(describeContainer(tremplin, "copy", startedMs)).toEqual(describeContainer(tremplin, "penguin", startedMs));
  });

  test("takes the place of a container that runs", async () => {
    await tremplin.must(["exec", "copy", "--", "touch", "/of-before"]);
    expect(await importFrom("copy", ARCHIVE)).toMatchObject({ status: Progress.DONE });
    await tremplin.listener.until("containerShutdown", ({ containerName }) => containerName === "copy");
    expect(tremplin.listener.of("containerShutdown").map((news) => news.containerName)).toEqual(["copy"]);
    expect(await tremplin.must(["list", "copy", "-c", "s", "-f", "csv"])).toBe("STOPPED");
    expect((await tremplin.run(["file", "pull", "copy/of-before", "-"])).code).toBe(1);
    expect(await tremplin.client.containers.get({}, "copy")).toMatchObject({ id: "copy" });
    await tremplin.must(["delete", "copy"]);
  });

  test("leaves an image alone that is there already, unless it is one of its own", async () => {
    await tremplin.must(["image", "import", fileOf(ARCHIVE), "--alias", "mine"]);
    expect(await importFrom("second", ARCHIVE)).toMatchObject({ status: Progress.DONE });
    expect((await lxdHoldings(tremplin)).images).toEqual([LXD_BUSYBOX, "mine"]);
    await tremplin.must(["image", "delete", "mine"]);
    await tremplin.must(["delete", "second"]);

    // Its own by its name, as when it could not be removed.
    copyFileSync(fileOf(ARCHIVE), fileOf("tremplin-import.tar.gz"));
    await tremplin.must(["image", "import", fileOf("tremplin-import.tar.gz")]);
    expect(await importFrom("second", ARCHIVE)).toMatchObject({ status: Progress.DONE });
    expect((await lxdHoldings(tremplin)).images).toEqual([LXD_BUSYBOX]);
    await tremplin.must(["delete", "second"]);
  });

  describe("is refused", () => {
    afterAll(async () => {
      expect(await lxdHoldings(tremplin)).toEqual({ instances: ["penguin"], images: [LXD_BUSYBOX] });
    });

    test("for another machine's kind", async () => {
      const metadata = { name: "metadata.yaml", body: "architecture: s390x\ncreation_date: 1\n" };
      writeFileSync(fileOf("foreign.tar.gz"), gzipSync(tarOf(metadata, { name: "rootfs/", type: "5" })));
      expect(await importFrom("foreign", "foreign.tar.gz")).toMatchObject({
        status: Progress.FAILED_ARCHITECTURE,
        architectureDevice: process.arch === "arm64" ? "aarch64" : "x86_64",
        architectureContainer: "s390x",
        failureReason: "",
      });
    });

    test("for want of room", async () => {
      const refused = await importFrom("large", ARCHIVE, 1_000n);
      expect(refused).toMatchObject({ status: Progress.FAILED_SPACE, diskSpaceAvailableBytes: 1_000n });
      // Itself, and 40 MB that are no shorter than they were.
      expect(refused.diskSpaceRequiredBytes).toBeGreaterThan(80n * 2n ** 20n);
    });

    test.each([
      ["which has under 4 bytes", "abc", /3 bytes/],
      ["which is empty", "", /0 bytes/],
      ["which is no archive", "nonsense", /./],
      ["which is an archive of something else", gzipSync(tarOf({ name: "file", body: "x" })), /./],
    ])("for a file %s", async (what, content, reason) => {
      const path = what.replaceAll(" ", "-");
      writeFileSync(fileOf(path), content);
      expect(await importFrom("broken", path)).toMatchObject({
        status: Progress.FAILED,
        failureReason: expect.stringMatching(reason),
      });
    });

    test("for an archive that was cut short", async () => {
      copyFileSync(fileOf(ARCHIVE), fileOf("cut.tar.gz"));
      truncateSync(fileOf("cut.tar.gz"), 2_000_000);
      expect(await importFrom("broken", "cut.tar.gz")).toMatchObject({ status: Progress.FAILED });
    });

    test("for paths that lead elsewhere", async () => {
      symlinkSync("/etc/passwd", fileOf("link"));
      for (const path of ["link", "missing"]) {
        expect(await importFrom("broken", path)).toMatchObject({
          status: Progress.FAILED,
          failureReason: expect.stringMatching(/ELOOP|ENOENT/),
        });
      }
      for (const importPath of ["../etc/passwd", "", "folder/"]) {
        expect(await tremplin.importContainer({ containerName: "broken", importPath })).toMatchObject({
          status: Status.FAILED,
          failureReason: expect.stringContaining("shared folder"),
        });
      }
    });
  });

  describe("goes on alone under its name", () => {
    test("and is stopped while it waits for another, which has the service's own name", async () => {
      await start("first", ARCHIVE);
      expect(await tremplin.importContainer({ containerName: "second", importPath: ARCHIVE })).toMatchObject({
        status: Status.IMPORTING,
      });
      for (const containerName of ["first", "second"]) {
        expect(await tremplin.importContainer({ containerName, importPath: ARCHIVE })).toMatchObject({
          status: Status.FAILED,
          failureReason: "",
        });
      }
      const cancel = { inProgressContainerName: "second" };
      expect(await tremplin.cancelImportContainer(cancel)).toMatchObject({ status: Cancel.CANCEL_QUEUED });
      expect(await end("second")).toMatchObject({ status: Progress.CANCELLED, failureReason: "" });
      expect(await tremplin.cancelImportContainer(cancel)).toMatchObject({ status: Cancel.OPERATION_NOT_FOUND });
      expect(await end("first")).toMatchObject({ status: Progress.DONE });
      expect(await lxdHoldings(tremplin)).toEqual({ instances: ["first", "penguin"], images: [LXD_BUSYBOX] });
      await tremplin.must(["delete", "first"]);
    });

    test.each([
      ["on its way to LXD", Progress.IMPORTING_UPLOAD],
      ["unpacked", Progress.IMPORTING_UNPACK],
    ])("and is stopped when it is %s", async (_, status) => {
      await start("stopped", ARCHIVE);
      await tremplin.listener.until("updateImportStatus", (news) => news.status === status);
      const cancel = { inProgressContainerName: "stopped" };
      expect(await tremplin.cancelImportContainer(cancel)).toMatchObject({ status: Cancel.CANCEL_QUEUED });
      expect(await end("stopped")).toMatchObject({ status: Progress.CANCELLED });
      expect(await lxdHoldings(tremplin)).toEqual({ instances: ["penguin"], images: [LXD_BUSYBOX] });
      expect(await tremplin.client.containers.get({}, "stopped").catch(isNotFound)).toBe(true);
    });
  });
});
