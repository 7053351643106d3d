// A server that is killed while it makes a container, or remaps one: LXD goes on without it, and the next server clears up.
import { randomBytes } from "node:crypto";
import { copyFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import {
  type CreateContainerRequest,
  ContainerCreationProgress_Status as Created,
  StartContainerRequest_PrivilegeLevel as Level,
  ContainerStartProgress_Status as Started,
  StartContainerResponse_Status as StartStatus,
  CreateContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { LXD_BUSYBOX } from "../helpers/lxd.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { makeImageAuthority, type Simplestreams, startSimplestreams } from "../helpers/simplestreams.js";
import {
  makeTremplinWorld,
  startTremplinProgram,
  type TremplinProgram,
  type TremplinWorld,
} from "../helpers/tremplin.js";
import { until } from "../helpers/until.js";

const NAME = "penguin";
const ALIAS = "berthtest/1";
/** Enough to be in the middle of. */
const LARGE_BYTES = 64 * 1024 * 1024;

describe.skipIf(requires.root() || requires.binary("lxd"))("a server killed in the middle of", () => {
  const scope = new DisposeScope();
  let world: TremplinWorld;
  let images: Simplestreams;
  let server: TremplinProgram;
  /** A root file system that takes its time. */
  let largeRootfs: string;

  beforeAll(async () => {
    const certificates = await makeImageAuthority(scope);
    world = await makeTremplinWorld(scope, { SSL_CERT_FILE: certificates.ca });
    images = await startSimplestreams(scope, world.box, { certificates, image: world.image, alias: ALIAS });
    server = await startTremplinProgram(scope, { world });
    await server.up();
    largeRootfs = join(world.dir, "large.tar");
    await copyFile(world.image.rootfs, largeRootfs);
    await writeFile(join(world.dir, "noise"), randomBytes(LARGE_BYTES));
    const { code, stderr } = await runProgram("tar", ["-C", world.dir, "-rf", largeRootfs, "noise"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
  afterAll(() => scope[Symbol.asyncDispose]());
  afterEach(() => world.must(["delete", "--force", NAME]));

  const archives = (): Partial<CreateContainerRequest> => ({
    rootfsPath: world.image.rootfs,
    metadataPath: world.image.metadata,
  });
  const create = async (request: Partial<CreateContainerRequest>): Promise<void> => {
    world.listener.clear();
    expect(await server.createContainer({ containerName: NAME, ...request })).toMatchObject({
      status: Status.CREATING,
    });
  };
  const entries = (folder: string): Promise<string[]> => readdir(join(world.lxdDir, folder)).catch(() => []);
  const instances = async (): Promise<string> => await world.must(["list", "--format", "csv", "--columns", "n"]);
  /** Kills the server; the next one takes the LXD that goes on. */
  const replace = async (): Promise<void> => {
    await server.kill9();
    expect(world.listener.of("updateCreateStatus").filter(({ status }) => status === Created.CREATED)).toEqual([]);
    server = await startTremplinProgram(scope, { world });
    await server.up();
  };
  const expectNothingLeft = async (): Promise<void> => {
    expect(await instances()).toBe("");
    expect(await world.must(["image", "list", "--format", "csv", "--columns", "l"])).toBe(LXD_BUSYBOX);
    expect((await entries("images")).filter((name) => name.startsWith("lxd_build_"))).toEqual([]);
    expect(await world.must(["query", "/1.0/operations?recursion=1"])).not.toContain('"running"');
    await until("no record", async () => (await server.client.containers.list({})).length === 0);
  };
  const createAnew = async (): Promise<void> => {
    await create(archives());
    expect(await world.listener.until("updateCreateStatus")).toMatchObject({ status: Created.CREATED });
    expect(await instances()).toBe(NAME);
  };

  test("a download leaves nothing, and the name is free", async () => {
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    scope.defer(goOn);
    images.beforeChunk = (share) => (share > 0.5 ? held : undefined);
    await create({ imageServer: images.url, imageAlias: ALIAS });
    await world.listener.until("updateCreateStatus", ({ downloadProgress }) => downloadProgress > 20);
    await replace();
    await expectNothingLeft();
    await createAnew();
  });

  test("an upload leaves nothing, and the name is free", async () => {
    await create({ ...archives(), rootfsPath: largeRootfs });
    await until("the upload", async () => (await entries("images")).some((name) => name.startsWith("lxd_build_")));
    await replace();
    await expectNothingLeft();
    await createAnew();
  });

  test("an unpacking leaves nothing, and the name is free", async () => {
    await create({ ...archives(), rootfsPath: largeRootfs });
    await until("the unpacking", async () => (await entries("storage-pools/default/containers")).length > 0);
    await replace();
    await expectNothingLeft();
    await createAnew();
  });

  test("nothing at all finds its containers running, and tells their end", async () => {
    await createAnew();
    world.listener.clear();
    await server.startContainer({ containerName: NAME });
    expect(await world.listener.until("updateStartStatus")).toMatchObject({ status: Started.STARTED });
    const { pid } = await server.client.tasks.get({}, NAME, "");
    world.listener.clear();
    await replace();
    expect(await server.client.tasks.get({}, NAME, "")).toMatchObject({ status: "running", pid });
    await world.must(["stop", "--force", NAME]);
    expect(await world.listener.until("containerShutdown")).toMatchObject({ containerName: NAME });
    await until("no task", () =>
      server.client.tasks.get({}, NAME, "").then(
        () => false,
        () => true,
      ),
    );
  });

  test("a remap leaves the container as it was", async () => {
    await createAnew();
    const start = async (privilegeLevel: Level, status: StartStatus): Promise<void> => {
      world.listener.clear();
      const containerName = NAME;
      expect(await server.startContainer({ containerName, privilegeLevel })).toMatchObject({ status });
    };
    await start(Level.UNCHANGED, StartStatus.STARTING);
    await world.listener.until("updateStartStatus");
    await world.must(["exec", NAME, "--", "sh", "-c", "echo kept > /root/kept"]);
    await world.must(["stop", "--force", NAME]);
    await start(Level.PRIVILEGED, StartStatus.REMAPPING);
    await until("the copy", async () => (await instances()).includes(`${NAME}-crostini-remap`));
    await replace();
    expect(await instances()).toBe(NAME);
    await start(Level.UNCHANGED, StartStatus.REMAPPING);
    expect(await world.listener.until("updateStartStatus")).toMatchObject({ status: Started.STARTED });
    expect(await world.must(["exec", NAME, "--", "cat", "/root/kept"])).toBe("kept");
  });
});
