// A daemon in this process that watches its own event loop. Prints one line of JSON when its standard input ends.
import { once } from "node:events";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createDaemon } from "../../services/daemon.js";
import { LongestStall } from "./longest-stall.js";

const [dir = ""] = process.argv.slice(2);
const RESOLUTION_MS = 1;
const NS_PER_MS = 1e6;

await using _daemon = await createDaemon({
  root: join(dir, "root"),
  state: join(dir, "state"),
  address: join(dir, "b.sock"),
});
process.stdout.write("ready\n");
process.stdin.resume();
// What compiling at first use costs is no stall of the disk: it begins with the first byte that comes.
await once(process.stdin, "data");
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
const longest = new LongestStall();
delays.enable();
await once(process.stdin, "end");
delays.disable();
longest.stop();
const p99Ms = Math.max(0, delays.percentile(99) / NS_PER_MS - RESOLUTION_MS);
process.stdout.write(`${JSON.stringify({ maxMs: longest.wallMs, ownMs: longest.ownMs, p99Ms })}\n`);
