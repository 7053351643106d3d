// What the tours of `npm start` share: running `berth` commands, in the background too, and showing what they print.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { StepError, say } from "./steps.mjs";

/** @typedef {import("./playground.mjs").Playground} Playground */

const TIMEOUT_MS = 20_000;
export const PAUSE_MS = 50;

/** Prints what a step brought to light, indented. @param {string} text */
export const show = (text) => process.stdout.write(`${text.trimEnd().replaceAll(/^/gm, "    ")}\n`);

/**
 * A `berth` command in the background, its output collected.
 * @param {Playground} place
 * @param {readonly string[]} args
 */
export function background(place, args) {
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
export async function showCommand(place, args) {
  const { status, output } = await place.berth(args);
  if (status !== 0) throw new StepError(`berth ${args.join(" ")} ended with ${status}: ${output}`);
  say(`berth ${args.join(" ")}`);
  show(output);
}

/** `berth events` in the background, its subscription live. @param {Playground} place */
export async function followEvents(place) {
  const events = background(place, ["events"]);
  // The subscription is live when it shows a change that was made after it.
  for (let turn = 0; !events.output().includes("/namespaces/"); turn += 1) {
    const verb = turn === 0 ? ["create", place.namespace] : ["label", place.namespace, `turn=${turn}`];
    if (turn > 20) throw new StepError(`no event arrived: ${events.output()}\n${place.log}`);
    const { status, output } = await place.berth(["namespaces", ...verb]);
    if (status !== 0) throw new StepError(`berth namespaces ${verb.join(" ")} ended with ${status}: ${output}`);
    await sleep(PAUSE_MS);
  }
  return events;
}

/** The record in full but for its spec, of which it shows what is run. @param {Playground} place */
export async function showRecord(place) {
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
