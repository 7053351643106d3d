// `npm start`: brings what is missing, builds, and runs the main job on throw-away folders: as root an image, pulled and run by runc; as
// any other user a process of the host. It shows the output, the record, the task while it runs, the events and the exit status.
// With arguments (`npm start -- sh -c 'echo hi; exit 3'`) it runs those instead and ends with their status.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { bringDebianPackages, bringNpmPackages, requireLinux } from "./bring.mjs";
import { Playground } from "./playground.mjs";
import { main, StepError, say } from "./steps.mjs";

const SIGNALS = /** @type {const} */ ({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 });
const AS_USER =
  "not root: running a process of the host (io.berth.process.v1) instead of a container, which takes namespaces, mounts and cgroups";

/** The caller's own program, on the caller's own terminal. @param {Playground} place @param {readonly string[]} args */
async function runArguments(place, args) {
  const terminal = process.stdin.isTTY && process.stdout.isTTY ? ["-t"] : [];
  const [file, words] = place.command(["run", "--rm", ...terminal, ...place.target, ...args]);
  const [code, signal] = await once(spawn(file, words, { stdio: "inherit" }), "close");
  if (signal !== null) throw new StepError(`berth run was ended by ${signal}`);
  return Number(code);
}

await main(async () => {
  const args = process.argv.slice(2);
  requireLinux("npm start");
  const isRoot = process.getuid?.() === 0;
  await bringNpmPackages();
  if (isRoot) await bringDebianPackages();
  else say(AS_USER);
  // Only now: the compiler is there.
  const { build, isStale } = await import("./build.mjs");
  if (isStale()) await build();

  // A reader that goes away (`npm start | head`) must not keep us from taking everything down.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const place = new Playground({ isRoot });
  /** @type {(status: number) => void} */
  let interrupt = () => {};
  const interrupted = new Promise((/** @type {(status: number) => void} */ resolve) => {
    interrupt = resolve;
  });
  for (const [name, number] of Object.entries(SIGNALS)) process.on(name, () => interrupt(128 + number));
  const work = async () => {
    say(`starting berthd on throw-away folders in ${place.folder}`);
    await place.begin();
    if (args.length > 0) return await runArguments(place, args);
    // Only now: the packages that these need are there.
    if (!isRoot) return await (await import("./tour-processes.mjs")).tourOfProcesses(place);
    return await (await import("./tour-containers.mjs")).tourOfContainers(place);
  };
  let status;
  let wasInterrupted = false;
  try {
    const stopped = interrupted.then((number) => {
      wasInterrupted = true;
      say("interrupted: taking everything down");
      return number;
    });
    const working = work();
    // After an interruption it fails in its own time, when its container is taken away.
    working.catch(() => {});
    status = await Promise.race([working, stopped]);
  } finally {
    await place.end();
  }
  if (wasInterrupted) say("interrupted; nothing is left behind");
  else if (args.length > 0) say(`berth run ended with ${status}; nothing is left behind`);
  else say(`a real ${isRoot ? "container" : "task"} ran through the whole path; nothing is left behind`);
  process.exitCode = status;
  // Commands that an interruption cut off may still be waiting for their output to end.
  if (wasInterrupted) process.exit(status);
  return status;
});
