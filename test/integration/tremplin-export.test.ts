// ExportContainer: 200 MB out of a running container, stopped half-way and then whole; LXD's own client makes a container of it.
import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import {
  CancelExportContainerResponse_Status as Cancel,
  type ContainerExportProgress,
  ImportContainerResponse_Status,
  ContainerExportProgress_Status as Progress,
  ExportContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { systemTimers, type Timers } from "../../services/tremplin/timers.js";
import { addBulk, addOddities, describeContainer } from "../helpers/container-content.js";
import { LXD_BUSYBOX } from "../helpers/lxd.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { type EmbeddedTremplin, startTremplin } from "../helpers/tremplin.js";

const NAME = "penguin";
/** The container has 60 more in a file with holes. */
const MEGABYTES = 140;
const FILES = 4_000;
const LAST: readonly Progress[] = [Progress.DONE, Progress.FAILED, Progress.CANCELLED];
const isLast = ({ status }: ContainerExportProgress): boolean => LAST.includes(status);

describe.skipIf(requires.root() || requires.binary("lxd"))("an export", () => {
  const scope = new DisposeScope();
  const startedMs = Date.now();
  let nowMs = 0;
  // Progress comes when this clock says so; all else goes by the real one.
  const timers: Timers = { ...systemTimers, now: () => nowMs };
  let tremplin: EmbeddedTremplin;

  beforeAll(async () => {
    tremplin = await startTremplin(scope, { timers });
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const fileOf = (name: string): string => join(tremplin.sharedDir, name);
  const snapshots = async (): Promise<string> => await tremplin.must(["query", `/1.0/instances/${NAME}/snapshots`]);
  const told = (): ContainerExportProgress[] => tremplin.listener.of("updateExportStatus");

  /** Starts one and waits for its last word, letting a second pass after each piece of progress. */
  async function exportTo(
    exportPath: string,
    onProgress: (progress: ContainerExportProgress) => Promise<void> = async () => {},
    containerName = NAME,
  ): Promise<ContainerExportProgress> {
    tremplin.listener.clear();
    expect(await tremplin.exportContainer({ containerName, exportPath })).toMatchObject({ status: Status.EXPORTING });
    for (let seen = 0; ; ) {
      const progress = await tremplin.listener.until("updateExportStatus", (news) => told().indexOf(news) >= seen);
      expect(progress).toMatchObject({ containerName, progressPercent: 0, progressSpeed: 0n });
      if (isLast(progress)) return progress;
      seen += 1;
      await onProgress(progress);
      nowMs += 1_000;
    }
  }

  test("is refused before LXD runs, and for bad names and paths", async () => {
    const request = { containerName: NAME, exportPath: "out.tar.gz" };
    expect(await tremplin.exportContainer(request)).toMatchObject({
      status: Status.FAILED,
      failureReason: expect.stringContaining("LXD"),
    });
    await tremplin.up();
    for (const exportPath of ["", "../out.tar.gz", "a/../../out.tar.gz", "folder/"]) {
      expect(await tremplin.exportContainer({ ...request, exportPath })).toMatchObject({
        status: Status.FAILED,
        failureReason: expect.stringContaining("shared folder"),
      });
    }
    for (const containerName of ["", "../penguin", "rootfs-import", "a/b"]) {
      expect(await tremplin.exportContainer({ ...request, containerName })).toMatchObject({
        status: Status.FAILED,
        failureReason: expect.stringContaining("name"),
      });
    }
    expect(told()).toEqual([]);
  });

  test("fails with a reason, and leaves an empty file", async () => {
    writeFileSync(fileOf("old"), "of before");
    expect(await exportTo("old", undefined, "nobody")).toMatchObject({
      status: Progress.FAILED,
      failureReason: expect.stringContaining("not found"),
      bytesExported: 0n,
    });
    expect(statSync(fileOf("old")).size).toBe(0);
    symlinkSync("/etc", fileOf("link"));
    for (const path of ["missing/out.tar.gz", "link/out.tar.gz"]) {
      expect(await exportTo(path)).toMatchObject({
        status: Progress.FAILED,
        failureReason: expect.stringContaining("E"),
      });
    }
    expect(existsSync("/etc/out.tar.gz")).toBe(false);
  });

  test("ends when its progress finds nobody", async () => {
    await tremplin.must(["launch", LXD_BUSYBOX, NAME]);
    await addOddities(tremplin, NAME);
    tremplin.listener.refuse(true);
    try {
      expect(await exportTo("lost.tar.gz")).toMatchObject({
        status: Progress.FAILED,
        failureReason: expect.stringContaining("not wanted"),
        bytesExported: 0n,
      });
    } finally {
      tremplin.listener.refuse(false);
    }
    expect(statSync(fileOf("lost.tar.gz")).size).toBe(0);
    expect(await snapshots()).toBe("[]");
  });

  test("fails on a disk that is full, and gives its room back", async () => {
    const disk = fileOf("small");
    mkdirSync(disk);
    const mounted = await runProgram("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
    expect(mounted).toMatchObject({ code: 0 });
    scope.defer(() => runProgram("umount", [disk]));
    expect(await exportTo("small/out.tar.gz")).toMatchObject({
      status: Progress.FAILED,
      failureReason: expect.stringContaining("ENOSPC"),
    });
    expect(statSync(join(disk, "out.tar.gz")).blocks).toBe(0);
  });

  describe("of 200 MB", () => {
    beforeAll(async () => {
      await addBulk(tremplin, NAME, { megabytes: MEGABYTES, files: FILES });
    });

    test("is stopped half-way, while the name is taken", async () => {
      const cancelled = await exportTo(
        "half.tar.gz",
        async ({ inputBytesStreamed, totalInputBytes, bytesExported }) => {
          if (inputBytesStreamed * 2n < totalInputBytes) return;
          expect(bytesExported).toBeGreaterThan(0n);
          const same = { containerName: NAME };
          const failed = { status: Status.FAILED, failureReason: "" };
          expect(await tremplin.exportContainer({ ...same, exportPath: "other.tar.gz" })).toMatchObject(failed);
          expect(await tremplin.importContainer({ ...same, importPath: "other.tar.gz" })).toMatchObject({
            ...failed,
            status: ImportContainerResponse_Status.FAILED,
          });
          expect(await tremplin.cancelExportContainer({ inProgressContainerName: NAME })).toMatchObject({
            status: Cancel.CANCEL_QUEUED,
          });
        },
      );
      expect(cancelled).toMatchObject({ status: Progress.CANCELLED, bytesExported: 0n, failureReason: "" });
      expect(cancelled.inputBytesStreamed).toBeLessThan(cancelled.totalInputBytes);
      expect(statSync(fileOf("half.tar.gz")).size).toBe(0);
      expect(existsSync(fileOf("other.tar.gz"))).toBe(false);
      expect(await snapshots()).toBe("[]");
      expect(await tremplin.cancelExportContainer({ inProgressContainerName: NAME })).toMatchObject({
        status: Cancel.OPERATION_NOT_FOUND,
      });
    });

    test("tells of it once a second and no more", async () => {
      let seconds = 0;
      const done = await exportTo("whole.tar.gz", async () => {
        seconds += 1;
      });
      const progress = told();
      // The first at once, one for each second after that, and the last word.
      expect(progress.length - 1).toBe(seconds);
      expect(seconds).toBeGreaterThan(10);
      expect(progress.slice(0, -1).every(({ status }) => status === Progress.EXPORTING_STREAMING)).toBe(true);
      expect(progress[0]).toMatchObject({ inputFilesStreamed: 0, inputBytesStreamed: 0n, bytesExported: 0n });
      expect(done).toMatchObject({ status: Progress.DONE, failureReason: "" });
      expect(done.totalInputFiles).toBeGreaterThan(FILES);
      expect(done.totalInputBytes).toBeGreaterThan(BigInt(MEGABYTES) * 2n ** 20n);
      expect(done.inputFilesStreamed).toBe(done.totalInputFiles);
      expect(done.inputBytesStreamed).toBe(done.totalInputBytes);
      expect(done.bytesExported).toBe(BigInt(statSync(fileOf("whole.tar.gz")).size));
      for (const { totalInputFiles, totalInputBytes } of progress) {
        expect([totalInputFiles, totalInputBytes]).toEqual([done.totalInputFiles, done.totalInputBytes]);
      }
      for (const field of ["inputBytesStreamed", "bytesExported"] as const) {
        const counts = progress.map((each) => each[field]);
        expect(counts).toEqual(counts.toSorted((a, b) => Number(a - b)));
      }
      expect(await snapshots()).toBe("[]");
      expect(await tremplin.must(["list", NAME, "-c", "s", "-f", "csv"])).toBe("RUNNING");
    });

    test("is an image of LXD's, which makes the same container of it", async () => {
      const file = fileOf("whole.tar.gz");
      const { stdout } = await runProgram("tar", ["-tzf", file]);
      const entries = stdout.trim().split("\n");
      expect(entries.slice(0, 2)).toEqual(["metadata.yaml", "rootfs/"]);
      await tremplin.must(["image", "import", file, "--alias", "exported"]);
      await tremplin.must(["launch", "exported", "copy"]);
      expect(describeContainer(tremplin, "copy", startedMs)).toEqual(describeContainer(tremplin, NAME, startedMs));
      // It is none of its backups, which hold more than a container.
      const { code, stderr } = await tremplin.run(["import", file]);
      expect([code, stderr]).toEqual([1, expect.stringContaining("missing index.yaml")]);
    });
  });
});
