// The program of the daemon: the command line in, the exit code out.
import { runBerthd } from "./program.js";

process.exitCode = await runBerthd(process.argv.slice(2));
