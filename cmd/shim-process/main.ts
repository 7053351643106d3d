// The program of the process shim: the command line in, the exit code out.
import { runShim } from "./program.js";

// It never rejects. Not awaited, as a bundle in CommonJS has no await at its top.
void runShim(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
