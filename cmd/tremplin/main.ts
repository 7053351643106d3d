// The program of the Tremplin service: the command line in, the exit code out.
import { runTremplin } from "./program.js";

// It never rejects. Not awaited, as a bundle in CommonJS has no await at its top.
void runTremplin(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
