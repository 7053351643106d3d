// The program of the daemon: the command line in, the exit code out.
import { runBerthd } from "./program.js";

// It never rejects. Not awaited, as a bundle in CommonJS has no await at its top.
void runBerthd(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
