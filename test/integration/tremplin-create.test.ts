// Containers that CreateContainer makes, of archives and of an image server, and that DeleteContainer takes away.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import {
  type CreateContainerRequest,
  ContainerCreationProgress_Status as Created,
  ContainerDeletionProgress_Status as Deleted,
  DeleteContainerResponse_Status as DeleteStatus,
  CreateContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { LXD_BUSYBOX } from "../helpers/lxd.js";
import { requires } from "../helpers/requires.js";
import { makeImageAuthority, type Simplestreams, startSimplestreams } from "../helpers/simplestreams.js";
import { type EmbeddedTremplin, makeTremplinWorld, startTremplin, type TremplinWorld } from "../helpers/tremplin.js";
import { until } from "../helpers/until.js";

const ALIAS = "berthtest/1";
/** What LXD says of a server that is not there. */
const NOBODY = "https://127.0.0.1:9";

describe.skipIf(requires.root() || requires.binary("lxd"))("CreateContainer", () => {
  const scope = new DisposeScope();
  let world: TremplinWorld;
  let tremplin: EmbeddedTremplin;
  let images: Simplestreams;

  beforeAll(async () => {
    const certificates = await makeImageAuthority(scope);
    world = await makeTremplinWorld(scope, { SSL_CERT_FILE: certificates.ca });
    tremplin = await startTremplin(scope, { world });
    images = await startSimplestreams(scope, world.box, { certificates, image: world.image, alias: ALIAS });
  });
  afterAll(() => scope[Symbol.asyncDispose]());
  afterEach(async () => {
    images.beforeChunk = () => undefined;
    // There is no LXD any more when the service has ended.
    const { stdout } = await world.run(["list", "--format", "csv", "--columns", "n"]);
    const others = stdout.split("\n").filter((name) => name !== "" && name !== "penguin");
    if (others.length > 0) await world.must(["delete", "--force", ...others]);
    world.listener.clear();
  });

  const archives = (): Partial<CreateContainerRequest> => ({
    rootfsPath: world.image.rootfs,
    metadataPath: world.image.metadata,
  });
  const create = (containerName: string, request: Partial<CreateContainerRequest>) =>
    tremplin.createContainer({ containerName, ...request });
  /** The answer has to be CREATING. @returns the last callback, when it has come. */
  const createWhole = async (containerName: string, request: Partial<CreateContainerRequest>) => {
    expect(await create(containerName, request)).toMatchObject({ status: Status.CREATING, failureReason: "" });
    return await world.listener.until(
      "updateCreateStatus",
      (news) => news.containerName === containerName && news.status !== Created.DOWNLOADING,
    );
  };
  const instances = async (): Promise<string[]> =>
    (await world.must(["list", "--format", "csv", "--columns", "n"])).split("\n").filter((name) => name !== "");
  const creations = () => world.listener.of("updateCreateStatus").map(({ status }) => status);

  test("waits for StartLxd", async () => {
    expect(await create("penguin", archives())).toMatchObject({
      status: Status.FAILED,
      failureReason: expect.stringContaining("LXD is not running"),
    });
    await tremplin.up();
  });

  describe("of two archives", () => {
    test("makes a container with its record, and keeps no image", async () => {
      const before = await world.must(["image", "list", "--format", "csv"]);
      const last = await createWhole("penguin", archives());
      expect(last).toMatchObject({ status: Created.CREATED, containerName: "penguin", failureReason: "" });
      expect(creations()).toEqual([Created.CREATED]);
      expect(await instances()).toEqual(["penguin"]);
      expect(await world.must(["config", "get", "penguin", "user.tremplin.created"])).toBe("true");
      expect(await world.must(["image", "list", "--format", "csv"])).toBe(before);
      expect(await tremplin.client.containers.get({}, "penguin")).toMatchObject({
        runtime: { name: "io.berth.lxd.v1" },
        labels: { "tremplin.created": "true" },
      });
    });

    test("makes what was never started afresh", async () => {
      const mark = join(world.dir, "mark");
      await writeFile(mark, "old");
      await world.must(["file", "push", mark, "penguin/etc/mark"]);
      expect(await createWhole("penguin", archives())).toMatchObject({ status: Created.CREATED });
      expect((await world.run(["file", "pull", "penguin/etc/mark", "-"])).code).not.toBe(0);
      expect(await instances()).toEqual(["penguin"]);
    });

    test("leaves alone what was started once, or what others made", async () => {
      await world.must(["config", "set", "penguin", "user.tremplin.finished", "true"]);
      expect(await create("penguin", archives())).toMatchObject({ status: Status.EXISTS });
      await world.must(["init", LXD_BUSYBOX, "foreign"]);
      expect(await create("foreign", archives())).toMatchObject({ status: Status.EXISTS });
      expect(creations()).toEqual([]);
    });

    test("clears what an earlier one left", async () => {
      await world.must(["init", LXD_BUSYBOX, "crostini-inprogress-create"]);
      expect(await createWhole("second", archives())).toMatchObject({ status: Created.CREATED });
      expect(await instances()).toEqual(["penguin", "second"]);
    });

    test("uses the image where LXD has it already, and leaves it there", async () => {
      const { metadata, rootfs } = world.image;
      await world.must(["image", "import", metadata, rootfs, "--alias", "kept"]);
      expect(await createWhole("second", archives())).toMatchObject({ status: Created.CREATED });
      await world.must(["image", "delete", "kept"]);
    });

    test("makes several at a time, and one of a name", async () => {
      const answers = await Promise.all(["a", "b", "b"].map((name) => create(name, archives())));
      expect(answers.map(({ status }) => status)).toEqual([Status.CREATING, Status.CREATING, Status.CREATING]);
      await until("three ends", () => creations().length === 3);
      expect(creations().sort()).toEqual([Created.CREATED, Created.CREATED, Created.FAILED]);
      const failure = world.listener.of("updateCreateStatus").find(({ status }) => status === Created.FAILED);
      expect(failure).toMatchObject({ containerName: "b" });
      expect(await instances()).toEqual(["a", "b", "penguin"]);
    });

    test("puts a container back whose place was about to be taken", async () => {
      await world.must(["init", LXD_BUSYBOX, "mine-crostini-recover"]);
      expect(await create("mine", archives())).toMatchObject({ status: Status.EXISTS });
      expect(await instances()).toEqual(["mine", "penguin"]);
    });

    test.each<{ what: string; request: () => Partial<CreateContainerRequest>; reason: RegExp }>([
      {
        what: "a root file system that is not there",
        request: () => ({ ...archives(), rootfsPath: "/nowhere/rootfs" }),
        reason: /^failed to open image rootfs: .*\/nowhere\/rootfs/,
      },
      {
        what: "metadata that are not there",
        request: () => ({ ...archives(), metadataPath: "/nowhere/metadata" }),
        reason: /^failed to open image metadata: .*\/nowhere\/metadata/,
      },
      {
        what: "a folder",
        request: () => ({ ...archives(), rootfsPath: world.dir }),
        reason: /^failed to open image rootfs: .* is no file/,
      },
      {
        what: "a path from nowhere in particular",
        request: () => ({ ...archives(), rootfsPath: "rootfs.tar" }),
        reason: /^failed to open image rootfs: .* no absolute path/,
      },
    ])("refuses $what at once", async ({ request, reason }) => {
      expect(await create("new", request())).toMatchObject({
        status: Status.FAILED,
        failureReason: expect.stringMatching(reason),
      });
      expect(creations()).toEqual([]);
    });

    test("says what is no image, and leaves nothing", async () => {
      const nonsense = join(world.dir, "nonsense");
      await writeFile(nonsense, "nonsense");
      const last = await createWhole("new", { ...archives(), metadataPath: nonsense });
      expect(last).toMatchObject({
        status: Created.FAILED,
        containerName: "new",
        failureReason: expect.stringMatching(/^failed to import image: /),
      });
      await createWhole("hollow", { ...archives(), rootfsPath: nonsense });
      expect(creations()).toEqual([Created.FAILED, Created.FAILED]);
      expect(await instances()).toEqual(["penguin"]);
      expect(await tremplin.client.containers.list({})).toMatchObject([{ id: "penguin" }]);
    });

    test.each(["", "a_b", "a/b", "..", "-a", "crostini-inprogress-create", "x-crostini-remap", "x".repeat(64)])(
      "refuses the name %j",
      async (name) => {
        const { status, failureReason } = await create(name, archives());
        expect(status).toBe(Status.FAILED);
        expect(failureReason).toContain("container name");
      },
    );
  });

  describe("of an image server", () => {
    test("tells of the download", async () => {
      const last = await createWhole("fetched", { imageServer: images.url, imageAlias: ALIAS });
      expect(last).toMatchObject({ status: Created.CREATED, failureReason: "" });
      const news = world.listener.of("updateCreateStatus");
      expect(news.at(-1)).toBe(last);
      const downloads = news.slice(0, -1);
      expect(downloads.every(({ status }) => status === Created.DOWNLOADING)).toBe(true);
      const percents = downloads.map(({ downloadProgress }) => downloadProgress);
      expect(percents[0]).toBe(0);
      expect(percents).toEqual([...new Set(percents)].sort((a, b) => a - b));
      expect(percents.at(-1)).toBe(100);
      expect(await instances()).toEqual(["fetched", "penguin"]);
    });

    test.each<{ what: string; request: () => Partial<CreateContainerRequest>; reason: RegExp }>([
      {
        what: "an alias that it does not know",
        request: () => ({ imageServer: images.url, imageAlias: "other" }),
        reason: /^failed to get alias: /,
      },
      {
        what: "that nobody answers there",
        request: () => ({ imageServer: NOBODY, imageAlias: ALIAS }),
        reason: /^failed to connect to simplestreams image server: .*127\.0\.0\.1:9/,
      },
      {
        what: "that none was named",
        request: () => ({ imageServer: "", imageAlias: "" }),
        reason: /^failed to connect to simplestreams image server: /,
      },
      {
        what: "a milestone that it needs",
        request: () => ({ imageServer: `${NOBODY}/%d`, imageAlias: ALIAS }),
        reason: /^failed to connect to simplestreams image server: no milestone/,
      },
    ])("says $what", async ({ request, reason }) => {
      const last = await createWhole("new", request());
      expect(last).toMatchObject({ status: Created.FAILED, failureReason: expect.stringMatching(reason) });
      expect(creations()).toEqual([Created.FAILED]);
      expect(await instances()).toEqual(["penguin"]);
    });

    test("whose download breaks off leaves nothing", async () => {
      for (const fingerprint of (await world.must(["image", "list", "--format", "csv", "--columns", "f"])).split(
        "\n",
      )) {
        const { stdout } = await world.run(["image", "get-property", fingerprint, "serial"]);
        if (stdout.trim() !== "") await world.must(["image", "delete", fingerprint]);
      }
      images.beforeChunk = (share) => {
        if (share > 0.5) throw new Error("cut");
      };
      const last = await createWhole("new", { imageServer: images.url, imageAlias: ALIAS });
      expect(last).toMatchObject({ status: Created.FAILED });
      expect(last.failureReason).toMatch(/^failed to get image for alias|^failed to create container from image/);
      expect(await instances()).toEqual(["penguin"]);
    });
  });

  describe("and DeleteContainer", () => {
    const deletions = () => world.listener.of("updateDeletionStatus").map(({ status }) => status);

    test("knows what is not there", async () => {
      for (const containerName of ["nobody", "..", "crostini-inprogress-create"]) {
        expect(await tremplin.deleteContainer({ containerName })).toMatchObject({
          status: DeleteStatus.DOES_NOT_EXIST,
        });
      }
      expect(deletions()).toEqual([]);
    });

    test("takes container and record away", async () => {
      expect(await tremplin.deleteContainer({ containerName: "penguin" })).toMatchObject({
        status: DeleteStatus.DELETING,
      });
      const last = await world.listener.until("updateDeletionStatus");
      expect(last).toMatchObject({ status: Deleted.DELETED, containerName: "penguin", failureReason: "" });
      expect(deletions()).toEqual([Deleted.DELETED]);
      expect(await instances()).toEqual([]);
      expect(await tremplin.client.containers.list({})).toEqual([]);
      expect(world.listener.of("containerShutdown")).toEqual([]);
    });
  });

  test("tells its end when the service ends in the middle", async () => {
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    images.beforeChunk = (share) => (share > 0.5 ? held : undefined);
    await create("last", { imageServer: images.url, imageAlias: ALIAS });
    await world.listener.until("updateCreateStatus", ({ downloadProgress }) => downloadProgress > 20);
    await tremplin[Symbol.asyncDispose]();
    goOn();
    expect(world.listener.of("updateCreateStatus").at(-1)).toMatchObject({
      status: Created.FAILED,
      containerName: "last",
      failureReason: expect.stringContaining("context canceled"),
    });
  });
});
