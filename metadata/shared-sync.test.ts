import { describe, expect, test } from "vitest";
import { failure } from "../test/conformance/failure.js";
import { SharedSync } from "./shared-sync.js";

/** A disk whose syncs end when the test says so. */
class Disk {
  readonly pending: ((error: Error | null) => void)[] = [];
  started = 0;
  readonly fdatasync = (_fd: number, done: (error: Error | null) => void): void => {
    this.started += 1;
    this.pending.push(done);
  };

  end(error: Error | null = null): void {
    this.pending.shift()?.(error);
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function setUp() {
  const disk = new Disk();
  const fatal: Error[] = [];
  const sync = new SharedSync({ fd: 3, fdatasync: disk.fdatasync, onFatal: (error) => fatal.push(error) });
  const settled: string[] = [];
  const wait = (name: string) =>
    sync.flushed().then(
      () => settled.push(name),
      () => settled.push(`${name} failed`),
    );
  return { disk, fatal, sync, settled, wait };
}

describe("SharedSync", () => {
  test("nothing to sync, nothing to wait for", async () => {
    const { disk, sync } = setUp();
    await sync.flushed();
    expect(disk.started).toBe(0);
  });

  test("commits of one turn share one sync", async () => {
    const { disk, sync, settled, wait } = setUp();
    for (const name of ["a", "b", "c"]) {
      sync.mark();
      void wait(name);
    }
    await turn();
    expect(disk.started).toBe(1);
    expect(settled).toEqual([]);
    disk.end();
    await turn();
    expect(settled).toEqual(["a", "b", "c"]);
    expect(disk.started).toBe(1);
  });

  test("commits that come while a sync runs wait for the next one", async () => {
    const { disk, sync, settled, wait } = setUp();
    sync.mark();
    void wait("first");
    await turn();
    sync.mark();
    void wait("second");
    sync.mark();
    void wait("third");
    await turn();
    expect(disk.started).toBe(1);
    disk.end();
    await turn();
    expect(settled).toEqual(["first"]);
    expect(disk.started).toBe(2);
    disk.end();
    await turn();
    expect(settled).toEqual(["first", "second", "third"]);
    await turn();
    expect(disk.started).toBe(2);
  });

  test("who committed nothing still waits for what was committed before", async () => {
    const { disk, sync, settled, wait } = setUp();
    sync.mark();
    await turn();
    void wait("reader");
    await turn();
    expect(settled).toEqual([]);
    disk.end();
    await turn();
    expect(settled).toEqual(["reader"]);
  });

  test("a sync that fails fails everybody, once and for all", async () => {
    const { disk, fatal, sync, settled, wait } = setUp();
    sync.mark();
    void wait("covered");
    await turn();
    sync.mark();
    void wait("next");
    disk.end(new Error("EIO: i/o error"));
    await turn();
    expect(settled).toEqual(["covered failed", "next failed"]);
    expect(fatal.map(({ message }) => message)).toEqual([
      "cannot sync the metadata store to disk: EIO: i/o error: internal",
    ]);
    expect(await failure(sync.flushed())).toMatch(/^internal: cannot sync/);
    sync.mark();
    expect(await failure(sync.flushed())).toMatch(/^internal: cannot sync/);
    await turn();
    expect(disk.started).toBe(1);
    expect(fatal).toHaveLength(1);
  });
});
