// What a supervisor leaves when it is killed, and that just this is ended: real processes in sessions of their own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HostFixture } from "../../test/helpers/process-host.js";
import { until } from "../../test/helpers/until.js";
import { hasCode } from "../sys/errno.js";
import { endLeftBehind } from "./left-behind.js";
import { readStat } from "./session.js";
import { bootId, readTraces, writeTraces } from "./traces.js";

const NOBODY = 4_294_967_295;

let fixture: HostFixture;
let bundle: string;
let left: ChildProcess;
beforeEach(async () => {
  fixture = new HostFixture();
  bundle = join(fixture.dir, "t");
  mkdirSync(bundle);
  // Its child goes on when it is gone.
  left = spawn("sh", ["-c", "sleep 1000 & echo $!; exec sleep 1000"], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
});
afterEach(async () => {
  // All of its group; of one test nothing is left.
  try {
    process.kill(-pidOf(left), "SIGKILL");
  } catch (error) {
    if (!hasCode(error, "ESRCH")) throw error;
  }
  await fixture[Symbol.asyncDispose]();
});

const pidOf = ({ pid }: ChildProcess): number => pid ?? 0;
const isAlive = (pid: number): boolean => !["Z", undefined].includes(readStat(pid)?.state);
const end = (): Promise<unknown> => endLeftBehind({ namespace: "bt-x", id: "t", bundle, clock: () => 5n });

async function childOf(process: ChildProcess): Promise<number> {
  if (process.stdout === null) throw new Error("no output");
  const [text] = await once(process.stdout, "data");
  return Number(String(text));
}

describe("what is left of a task", () => {
  test("is ended with all its session, also when its leader has gone", async () => {
    const child = await childOf(left);
    writeTraces(bundle, [pidOf(left)], []);
    left.kill("SIGKILL");
    await once(left, "exit");
    expect(isAlive(child)).toBe(true);
    expect(await end()).toEqual({ pid: pidOf(left), exitStatus: 137, exitedAtNs: 5n });
    await until("the child to end", () => !isAlive(child));
    expect(await end()).toMatchObject({ pid: pidOf(left) });
  });

  test("is left alone when somebody else has its pid", async () => {
    await childOf(left);
    writeTraces(bundle, [pidOf(left)], []);
    const file = join(bundle, "processes.json");
    const traces = JSON.parse(readFileSync(file, "utf8"));
    traces.leaders[0].startTicks = "1";
    writeFileSync(file, JSON.stringify(traces));
    expect(await end()).toMatchObject({ pid: pidOf(left), exitStatus: 137 });
    expect(isAlive(pidOf(left))).toBe(true);
  });

  test("is left alone when it was written down before the last boot", async () => {
    await childOf(left);
    writeTraces(bundle, [pidOf(left)], []);
    const file = join(bundle, "processes.json");
    writeFileSync(file, readFileSync(file, "utf8").replace(bootId(), "another"));
    expect(await readTraces(bundle)).toBeUndefined();
    await end();
    expect(isAlive(pidOf(left))).toBe(true);
  });

  test("may be nothing", async () => {
    expect(await end()).toEqual({ pid: NOBODY, exitStatus: 137, exitedAtNs: 5n });
    writeFileSync(join(bundle, "init.pid"), "-1");
    writeFileSync(join(bundle, "processes.json"), "{");
    expect(await end()).toMatchObject({ pid: NOBODY });
    expect(await readTraces(bundle)).toBeUndefined();
  });
});
