// The spec that our client makes by default is the one that `ctr` makes, flag by flag.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSpec, type SpecOptions } from "../../api/client/spec/create-spec.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import type { Engine } from "../helpers/engine.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";

const lacking = requires.root() || requires.binary("containerd-shim-runc-v2") || requires.binary("ctr");

describe.skipIf(lacking)("the default spec is the one that ctr makes", () => {
  const scope = new DisposeScope();
  let engine: Engine;
  let rootfs: string;
  let namespace: string;
  let file: string;
  beforeAll(async () => {
    namespace = freshNamespace(scope);
    const dir = await tempDir(scope);
    rootfs = await makeRootfs(join(dir, "rootfs"));
    file = join(dir, "env");
    await writeFile(file, "A=file\n");
    engine = await startContainerd(scope);
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const CASES: readonly [flags: string[], options: Partial<SpecOptions>][] = [
    [[], {}],
    [["--tty", "--env", "A=b"], { terminal: true, env: ["A=b"] }],
    [["--read-only", "--cwd", "/tmp", "--allow-new-privs"], { readOnly: true, cwd: "/tmp", allowNewPrivileges: true }],
    [["--net-host"], { netHost: true }],
    [["--privileged"], { privileged: true }],
    [["--cap-add", "CAP_SYS_ADMIN", "--cap-drop", "CAP_CHOWN"], { capAdd: ["CAP_SYS_ADMIN"], capDrop: ["CAP_CHOWN"] }],
    [["--device", "/dev/null", "--device", "/dev/zero"], { devices: ["/dev/null", "/dev/zero"] }],
    [["--memory-limit", "1000000"], { memoryLimitBytes: 1_000_000 }],
    [["--cpu-quota", "5000", "--cpu-period", "1000"], { cpuQuotaUs: 5000, cpuPeriodUs: 1000 }],
    [["--with-ns", "network:/proc/1/ns/net"], { joinNamespaces: [{ type: "network", path: "/proc/1/ns/net" }] }],
    [["--with-ns", "user:/x"], { joinNamespaces: [{ type: "user", path: "/x" }] }],
    [["--annotation", "x=y", "--label", "q=r"], { annotations: { x: "y", q: "r" } }],
    [["--rootfs-propagation", "shared"], { rootfsPropagation: "shared" }],
    [
      ["--mount", "type=bind,src=/tmp,dst=/host,options=rbind:ro"],
      { mounts: [{ type: "bind", source: "/tmp", destination: "/host", options: ["rbind", "ro"] }] },
    ],
  ];

  test.each(CASES)("with %j", async (flags, options) => {
    const ctr = createCli("ctr", engine, namespace);
    expect(await ctr.run(["c", "create", "--rootfs", ...flags, rootfs, "c1", "sleep", "1"])).toMatchObject({
      stderr: "",
    });
    const want: unknown = JSON.parse((await ctr.run(["c", "info", "--spec", "c1"])).stdout);
    await ctr.run(["c", "rm", "c1"]);
    const spec = createSpec({ namespace, id: "c1", rootfs, args: ["sleep", "1"], ...options });
    // Ours has a search path, which ctr only takes from images.
    const env = (spec.process.env ?? []).filter((entry) => !entry.startsWith("PATH="));
    const got = { ...spec, process: { ...spec.process, ...(env.length > 0 ? { env } : {}) } };
    if (env.length === 0) delete got.process.env;
    expect(got).toEqual(want);
  });
});
