// The tour of `npm start` as root: a real image through the whole path. A registry, pull, snapshot, daemon, store, shim, runc.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { makeImage } from "./demo-image.mjs";
import { serveImage } from "./demo-registry.mjs";
import { StepError, say } from "./steps.mjs";
import { background, followEvents, show, showCommand, showRecord } from "./tour.mjs";

/** @typedef {import("./playground.mjs").Playground} Playground */

/** What the image runs: says something, waits for a word, and ends with a status of its own. */
const PROGRAM = `cat /etc/motd; echo "this is $(hostname), process $$, user $(id -un)"; read word; echo "you said: $word"; exit 7`;
const EXPECTED_STATUS = 7;

/** Makes an image of what is here and serves it on loopback. @param {Playground} place */
async function serveDemo(place) {
  const image = await makeImage(place.layers, ["sh", "-c", PROGRAM]);
  return await serveImage("demo/hello", "latest", image);
}

/** @param {Playground} place @returns {Promise<number>} */
export async function tourOfContainers(place) {
  const registry = await serveDemo(place);
  const { reference } = registry;
  const events = await followEvents(place);
  try {
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
