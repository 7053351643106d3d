// An LXD that never answers. What one does that answers is tested on a real one.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { errorKind } from "../../api/core/errors.js";
import { silentLogger } from "../../api/core/log.js";
import { LxdServer } from "../../runtime/lxd/server.js";
import { ManualTimers } from "../../test/helpers/manual-timers.js";
import { tempDir } from "../../test/helpers/temp.js";
import { until } from "../../test/helpers/until.js";
import { LxdEngine } from "./lxd-engine.js";

/** One that runs and tells its pid, in a folder of its own. */
async function silentLxd(scope: DisposeScope) {
  const lxdDir = await tempDir(scope);
  const program = join(lxdDir, "lxd");
  await writeFile(program, '#!/bin/sh\necho "$$ $LXD_DIR" > "$LXD_DIR/pid"\nexec sleep 600\n', { mode: 0o755 });
  const lxd = scope.use(new LxdServer({ socketPath: join(lxdDir, "unix.socket") }));
  const timers = new ManualTimers();
  const logFile = join(lxdDir, "log");
  const engine = scope.use(new LxdEngine({ lxd, lxdDir, timers, logFile, command: [program], log: silentLogger }));
  const pid = async (): Promise<number> => {
    const [text = "", dir] = (await until("its pid", () => readFile(join(lxdDir, "pid"), "utf8"))).trim().split(" ");
    expect(dir).toBe(lxdDir);
    return Number(text);
  };
  return { engine, timers, pid };
}

test("an LXD that does not answer is ended after two minutes", async () => {
  await using scope = new DisposeScope();
  const { engine, timers, pid } = await silentLxd(scope);
  expect(engine.begin()).toBe(true);
  const failure = engine.launch(new AbortController().signal).catch((error: unknown) => error);
  const lxd = await pid();
  await timers.advance(119_999);
  expect(() => process.kill(lxd, 0)).not.toThrow();
  await timers.advance(1);
  expect(await failure).toMatchObject({ message: expect.stringMatching(/^LXD did not answer within 120 s/) });
  expect(() => process.kill(lxd, 0)).toThrow("ESRCH");
  engine.finish(false);
  expect([engine.isStarted(), engine.begin()]).toEqual([false, true]);
});

test("who waits for LXD and for its start is let go by his signal, and LXD stays", async () => {
  await using scope = new DisposeScope();
  const { engine, pid } = await silentLxd(scope);
  const stop = new AbortController();
  const failures = [engine.launch(stop.signal), engine.whenUp(stop.signal)].map((waiting) => waiting.catch(errorKind));
  const lxd = await pid();
  stop.abort();
  expect(await Promise.all(failures)).toEqual(["cancelled", "cancelled"]);
  expect(() => process.kill(lxd, 0)).not.toThrow();
  await engine.stop("SIGTERM");
  expect(() => process.kill(lxd, 0)).toThrow("ESRCH");
});
