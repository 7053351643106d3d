// The program that keeps the output of all tasks of one daemon, started by it: `berth-log-writer SOCKET`.
import { serveStreams } from "../../runtime/bridge/program.js";
import { LogStreams } from "../../runtime/logs/log-streams.js";

// Not awaited, as a bundle in CommonJS has no await at its top.
void serveStreams("berth-log-writer", (deps, onEnd) => new LogStreams(deps, onEnd));
