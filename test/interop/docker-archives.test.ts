// Images between Debian's Docker engine, umoci and us by archives: what `docker save` writes runs here, what we write `docker load`
// and umoci take, and an image stays the same one on its way.
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { startBerthd } from "../helpers/daemon.js";
import { type Docker, startDocker } from "../helpers/dockerd.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";

const lacking = requires.root() || requires.binary("dockerd") || requires.binary("umoci");
const TAG = "archived:1";
const NAME = `docker.io/library/${TAG}`;

describe.skipIf(lacking)("archives of the Docker engine", () => {
  const scope = new DisposeScope();
  let docker: Docker;
  let berth: Cli;
  let dir: string;
  let id: string;

  beforeAll(async () => {
    dir = await tempDir(scope);
    const engine = await startBerthd(scope);
    berth = createCli("berth", engine, freshNamespace(scope));
    docker = await startDocker(scope, { address: engine.address, namespace: freshNamespace(scope) });
    await makeRootfs(join(dir, "rootfs"));
    await runProgram("tar", ["-C", join(dir, "rootfs"), "-cf", join(dir, "rootfs.tar"), "."]);
    await docker.must(["import", "-c", 'CMD ["/bin/echo","from the image"]', join(dir, "rootfs.tar"), TAG]);
    id = await docker.must(["inspect", "-f", "{{.Id}}", TAG]);
  }, 180_000);
  afterAll(() => scope[Symbol.asyncDispose](), 120_000);

  const must = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await berth.run(args);
    expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
    return stdout;
  };

  test("what docker saves is imported and run", async () => {
    await docker.must(["save", "-o", join(dir, "saved.tar"), TAG]);
    await must("images", "import", join(dir, "saved.tar"));
    expect(await must("run", "--rm", NAME, "archived-1")).toBe("from the image\n");
  });

  test("what berth exports is loaded by docker as the same image", async () => {
    await must("images", "export", join(dir, "exported.tar"), NAME);
    await docker.must(["rmi", TAG]);
    await docker.must(["load", "-i", join(dir, "exported.tar")]);
    // The id of an image is the digest of its config.
    expect(await docker.must(["inspect", "-f", "{{.Id}}", TAG])).toBe(id);
    expect(await docker.must(["run", "--rm", TAG])).toBe("from the image");
  });

  test("what berth converts to OCI's types and exports is unpacked by umoci", async () => {
    await must("images", "convert", "--oci", NAME, "example.com/archived:oci");
    await must("images", "export", join(dir, "oci.tar"), "example.com/archived:oci");
    const layout = join(dir, "layout");
    await mkdir(layout);
    await runProgram("tar", ["-C", layout, "-xf", join(dir, "oci.tar")]);
    const unpacked = await runProgram("umoci", ["unpack", "--image", `${layout}:oci`, join(dir, "bundle")]);
    expect(unpacked).toMatchObject({ code: 0 });
    await access(join(dir, "bundle", "rootfs", "bin", "busybox"));
  });
});
