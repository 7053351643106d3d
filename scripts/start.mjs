// `npm start`: brings what is missing, builds, and runs a real image through the whole path: a registry, pull, snapshot, daemon,
// store, shim, runc. It shows the pull, the container's output, its record, its task while it runs, its events and its exit
// status. With arguments (`npm start -- sh -c 'echo hi; exit 3'`) it runs those instead and ends with the container's status.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { bringDebianPackages, bringNpmPackages, requireRoot } from "./bring.mjs";
import { makeImage } from "./demo-image.mjs";
import { serveImage } from "./demo-registry.mjs";
import { Playground } from "./playground.mjs";
import { main, StepError, say } from "./steps.mjs";

/** What the image runs: says something, waits for a word, and ends with a status of its own. */
const PROGRAM = `cat /etc/motd; echo "this is $(hostname), process $$, user $(id -un)"; read word; echo "you said: $word"; exit 7`;
const EXPECTED_STATUS = 7;
const TIMEOUT_MS = 20_000;
const PAUSE_MS = 50;
const SIGNALS = /** @type {const} */ ({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 });

/** Prints what a step brought to light, indented. @param {string} text */
const show = (text) => process.stdout.write(`${text.trimEnd().replaceAll(/^/gm, "    ")}\n`);

/**
 * A `berth` command in the background, its output collected.
 * @param {Playground} place
 * @param {readonly string[]} args
 */
function background(place, args) {
  const [file, words] = place.command(args);
  const child = spawn(file, words, { stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  child.stdin.on("error", () => {});
  const ended = once(child, "close").then(([code]) => Number(code ?? 1));
  return {
    child,
    ended,
    output: () => output,
    /** @param {RegExp} pattern */
    async waitFor(pattern) {
      const deadline = Date.now() + TIMEOUT_MS;
      while (!pattern.test(output)) {
        if (Date.now() > deadline || child.exitCode !== null) {
          throw new StepError(`berth ${args.join(" ")} did not print ${pattern}: ${output}\n${place.log}`);
        }
        await sleep(PAUSE_MS);
      }
    },
  };
}

/** Runs a `berth` command and shows what it printed. @param {Playground} place @param {readonly string[]} args */
async function showCommand(place, args) {
  const { status, output } = await place.berth(args);
  if (status !== 0) throw new StepError(`berth ${args.join(" ")} ended with ${status}: ${output}`);
  say(`berth ${args.join(" ")}`);
  show(output);
}

/** The record in full but for its spec, of which it shows what is run. @param {Playground} place */
async function showRecord(place) {
  const { status, output } = await place.berth(["containers", "info", place.id]);
  if (status !== 0) throw new StepError(`berth containers info ${place.id} ended with ${status}: ${output}`);
  const { Spec: spec, ...record } = JSON.parse(output);
  const { args, cwd, env } = spec.process;
  say(`berth containers info ${place.id} (its spec cut short)`);
  show(
    JSON.stringify(
      { ...record, Spec: { ociVersion: spec.ociVersion, process: { args, cwd, env }, "…": "…" } },
      null,
      2,
    ),
  );
}

/** Makes an image of what is here and serves it on loopback. @param {Playground} place */
async function serveDemo(place) {
  const image = await makeImage(place.layers, ["sh", "-c", PROGRAM]);
  return await serveImage("demo/hello", "latest", image);
}

/** The tour. @param {Playground} place @returns {Promise<number>} */
async function tour(place) {
  const registry = await serveDemo(place);
  const { reference } = registry;
  const events = background(place, ["events"]);
  try {
    // The subscription is live when it shows a change that was made after it.
    for (let turn = 0; !events.output().includes("/namespaces/"); turn += 1) {
      const verb = turn === 0 ? ["create", place.namespace] : ["label", place.namespace, `turn=${turn}`];
      if (turn > 20) throw new StepError(`no event arrived: ${events.output()}\n${place.log}`);
      const { status, output } = await place.berth(["namespaces", ...verb]);
      if (status !== 0) throw new StepError(`berth namespaces ${verb.join(" ")} ended with ${status}: ${output}`);
      await sleep(PAUSE_MS);
    }
    say(`berth images pull --plain-http ${reference}`);
    // On the caller's own terminal, where progress is drawn.
    const [file, words] = place.command(["images", "pull", "--plain-http", reference]);
    const [pulled] = await once(spawn(file, words, { stdio: ["ignore", "inherit", "inherit"] }), "close");
    if (pulled !== 0) throw new StepError(`berth images pull ended with ${pulled}\n${place.log}`);
    await showCommand(place, ["images", "ls"]);
    say(`berth run --rm ${reference} ${place.id}`);
    const container = background(place, ["run", "--rm", reference, place.id]);
    await container.waitFor(/this is .*\n/);
    await showCommand(place, ["tasks", "ls"]);
    await showCommand(place, ["snapshots", "ls"]);
    await showRecord(place);
    container.child.stdin.end("ahoy\n");
    const status = await container.ended;
    say("its output");
    show(container.output());
    await events.waitFor(/\/containers\/delete/);
    say("its events, as `berth events` streamed them meanwhile");
    show(events.output());
    say(`its exit status: ${status}`);
    if (status !== EXPECTED_STATUS)
      throw new StepError(`the container should have ended with ${EXPECTED_STATUS}\n${place.log}`);
    await showCommand(place, ["images", "rm", "--sync", reference]);
    return 0;
  } finally {
    events.child.kill("SIGTERM");
    await events.ended;
    await registry.close();
  }
}

/** The caller's own program, on the caller's own terminal. @param {Playground} place @param {readonly string[]} args */
async function runArguments(place, args) {
  const terminal = process.stdin.isTTY && process.stdout.isTTY ? ["-t"] : [];
  const [file, words] = place.command(["run", "--rm", ...terminal, "--rootfs", place.rootfs, place.id, ...args]);
  const [code, signal] = await once(spawn(file, words, { stdio: "inherit" }), "close");
  if (signal !== null) throw new StepError(`berth run was ended by ${signal}`);
  return Number(code);
}

await main(async () => {
  const args = process.argv.slice(2);
  requireRoot("npm start");
  await bringNpmPackages();
  await bringDebianPackages();
  // Only now: the compiler is there.
  const { build, isStale } = await import("./build.mjs");
  if (isStale()) await build();

  // A reader that goes away (`npm start | head`) must not keep us from taking everything down.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const place = new Playground();
  /** @type {(status: number) => void} */
  let interrupt = () => {};
  const interrupted = new Promise((/** @type {(status: number) => void} */ resolve) => {
    interrupt = resolve;
  });
  for (const [name, number] of Object.entries(SIGNALS)) process.on(name, () => interrupt(128 + number));
  const work = async () => {
    say(`starting berthd on throw-away folders in ${place.folder}`);
    await place.begin();
    return args.length > 0 ? await runArguments(place, args) : await tour(place);
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
  else say("a real container ran through the whole path; nothing is left behind");
  process.exitCode = status;
  // Commands that an interruption cut off may still be waiting for their output to end.
  if (wasInterrupted) process.exit(status);
  return status;
});
