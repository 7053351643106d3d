// The program of the container service: the command line in, the exit code out.
import { runCrosToolRunner } from "./program.js";

// It never rejects. Not awaited, as a bundle in CommonJS has no await at its top.
void runCrosToolRunner(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
