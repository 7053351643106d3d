// How long a daemon's event loop stands still at most under a write load, with 2 ms added to every sync. `tsx test/durability/stall.ts`
// prints it and ends with 1 when it is 20 ms or more. What others take of the processors meanwhile does not count. Needs strace.
import { getPriority, setPriority } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { DisposeScope } from "../../api/core/dispose.js";
import { startProgram } from "../helpers/program.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { runLoad } from "./load.js";

const CALLERS = 64;
const CONTAINERS = 3_000;
const LIMIT_MS = 20;
const DAEMON_PRIORITY = -10;
// Only the system call that is slowed down stops for the tracer; everything else runs as it would without one.
const SLOW_SYNC = ["-f", "--seccomp-bpf", "-qq", "-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_exit=2000"];

const scope = new DisposeScope();
try {
  const namespace = freshNamespace(scope);
  const dir = await tempDir(scope);
  const node = [process.execPath, "--import", fileURLToPath(import.meta.resolve("tsx"))];
  const program = fileURLToPath(new URL("stall-daemon.ts", import.meta.url));
  const args = [...SLOW_SYNC, "-o", "/dev/null", ...node, program, dir];
  // The daemon goes before its load and before what else runs here, as far as this user may say so.
  const daemon = await withPriority(DAEMON_PRIORITY, async () =>
    scope.use(await startProgram("strace", args, { timeoutMs: 600_000 })),
  );
  await daemon.waitForOutput(/ready/);
  const address = join(dir, "b.sock");
  const load = { address, ttrpcAddress: `${address}.ttrpc`, namespace };
  await runLoad({ ...load, from: 0, containers: 200, callers: CALLERS });
  daemon.write("measure\n");
  const startedAt = performance.now();
  const deeds = await runLoad({ ...load, from: 1_000, containers: CONTAINERS, callers: CALLERS });
  const seconds = (performance.now() - startedAt) / 1_000;
  daemon.endInput();
  const { stdout } = await daemon.result;
  const { maxMs, ownMs, p99Ms } = z
    .object({ maxMs: z.number(), ownMs: z.number(), p99Ms: z.number() })
    .parse(JSON.parse(stdout.replace("ready\n", "")));
  const rate = Math.round(deeds.length / seconds);
  process.stdout.write(
    `${deeds.length} writes by ${CALLERS} callers, ${rate} a second, 2 ms added to every sync; ` +
      `longest stall of the event loop ${ownMs.toFixed(1)} ms (${maxMs.toFixed(1)} ms with the time in which it waited for ` +
      `a processor), 99 % below ${p99Ms.toFixed(1)} ms with it\n`,
  );
  process.exitCode = ownMs < LIMIT_MS ? 0 : 1;
} finally {
  await scope[Symbol.asyncDispose]();
}

/** Runs `start`; what it starts has this priority, if that is allowed. */
async function withPriority<T>(priority: number, start: () => Promise<T>): Promise<T> {
  const before = getPriority();
  if (process.getuid?.() !== 0) return start();
  setPriority(priority);
  try {
    return await start();
  } finally {
    setPriority(before);
  }
}
