// The service ends amid exports and imports, by kill -9 and in order: the next server leaves nothing half-made behind.
import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import {
  ContainerExportProgress_Status as ExportProgress,
  ContainerImportProgress_Status as ImportProgress,
} from "../../api/gen/vm_tools/tremplin.js";
import { addBulk, lxdHoldings } from "../helpers/container-content.js";
import { LXD_BUSYBOX } from "../helpers/lxd.js";
import { requires } from "../helpers/requires.js";
import {
  makeTremplinWorld,
  startTremplinProgram,
  type TremplinProgram,
  type TremplinWorld,
} from "../helpers/tremplin.js";
import { until } from "../helpers/until.js";

const ARCHIVE = "penguin.tar.gz";

/** On its way. */
const STREAMING = ExportProgress.EXPORTING_STREAMING;

describe.skipIf(requires.root() || requires.binary("lxd"))("a server that ends", () => {
  const scope = new DisposeScope();
  let world: TremplinWorld;
  let tremplin: TremplinProgram;

  beforeAll(async () => {
    world = await makeTremplinWorld(scope);
    await startAgain();
    await world.must(["launch", LXD_BUSYBOX, "penguin"]);
    await addBulk(world, "penguin", { megabytes: 60, files: 100 });
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  async function startAgain(): Promise<void> {
    tremplin = await startTremplinProgram(scope, { world });
    await tremplin.up();
  }
  const snapshots = async (): Promise<string> => await world.must(["query", "/1.0/instances/penguin/snapshots"]);
  const holdings = (): ReturnType<typeof lxdHoldings> => lxdHoldings(world);

  async function startExport(): Promise<void> {
    world.listener.clear();
    await tremplin.exportContainer({ containerName: "penguin", exportPath: ARCHIVE });
  }

  async function startImport(): Promise<void> {
    world.listener.clear();
    await tremplin.importContainer({ containerName: "copy", importPath: ARCHIVE });
  }

  test("is killed amid an export: it leaves no snapshot for longer than it is away", async () => {
    await startExport();
    await world.listener.until(
      "updateExportStatus",
      ({ inputBytesStreamed, totalInputBytes }) => inputBytesStreamed * 4n > totalInputBytes,
    );
    await tremplin.kill9();
    expect(await snapshots()).toContain("rootfs-backup");

    await startAgain();
    expect(await snapshots()).toBe("[]");
    expect(await world.must(["list", "penguin", "-c", "s", "-f", "csv"])).toBe("RUNNING");
    await startExport();
    const done = await world.listener.until("updateExportStatus", ({ status }) => status !== STREAMING);
    expect(done.status).toBe(ExportProgress.DONE);
    expect(done.bytesExported).toBe(BigInt(statSync(join(world.sharedDir, ARCHIVE)).size));
  });

  test("is asked to end amid an export: the file is empty, and there is no snapshot", async () => {
    world.listener.clear();
    await tremplin.exportContainer({ containerName: "penguin", exportPath: "ended.tar.gz" });
    await world.listener.until("updateExportStatus");
    await tremplin.program.stop();
    const { status } = await world.listener.until("updateExportStatus", (news) => news.status !== STREAMING);
    expect(status).toBe(ExportProgress.CANCELLED);
    expect(statSync(join(world.sharedDir, "ended.tar.gz")).size).toBe(0);
    await startAgain();
    expect(await snapshots()).toBe("[]");
  });

  test.each([
    ["is killed while an archive is on its way to LXD", ImportProgress.IMPORTING_UPLOAD],
    ["is killed while LXD unpacks it", ImportProgress.IMPORTING_UNPACK],
  ])("%s: it leaves neither image nor container", async (_, wanted) => {
    await startImport();
    await world.listener.until("updateImportStatus", ({ status }) => status === wanted);
    await tremplin.kill9();
    // Taken whole, it is there with nobody to remove it.
    if (wanted === ImportProgress.IMPORTING_UNPACK) expect((await holdings()).images).toContain("");
    await startAgain();
    expect(await holdings()).toEqual({ instances: ["penguin"], images: [LXD_BUSYBOX] });
  });

  test("is killed just before an import takes its name: that is left to the next, unless the name is taken", async () => {
    // As it is when the container before it is gone already.
    const mark = "user.tremplin.import-target";
    await tremplin.kill9();
    await world.must(["init", LXD_BUSYBOX, "rootfs-import", "-c", `${mark}=late`]);
    await startAgain();
    expect((await holdings()).instances).toEqual(["late", "penguin"]);
    expect(await world.must(["config", "get", "late", mark])).toBe("");
    await until("its record", () => tremplin.client.containers.get({}, "late"));

    await tremplin.kill9();
    await world.must(["init", LXD_BUSYBOX, "rootfs-import", "-c", `${mark}=late`]);
    await startAgain();
    expect((await holdings()).instances).toEqual(["late", "penguin"]);
    await world.must(["delete", "late"]);
  });

  test("keeps no name: the next import makes its container", async () => {
    await startImport();
    const isOver = ({ status }: { status: ImportProgress }): boolean =>
      status !== ImportProgress.IMPORTING_UPLOAD && status !== ImportProgress.IMPORTING_UNPACK;
    expect(await world.listener.until("updateImportStatus", isOver)).toMatchObject({ status: ImportProgress.DONE });
    expect(await holdings()).toEqual({ instances: ["copy", "penguin"], images: [LXD_BUSYBOX] });
  });
});
