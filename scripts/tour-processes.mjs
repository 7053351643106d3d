// The tour of `npm start` as an ordinary user: a process of the host through the whole path. Daemon, store, our own shim; no root, no
// runc, nothing but Node and a shell.
import { StepError, say } from "./steps.mjs";
import { background, followEvents, show, showCommand, showRecord } from "./tour.mjs";

/** @typedef {import("./playground.mjs").Playground} Playground */

/** Says something, waits for a word, and ends with a status of its own. */
const PROGRAM = `echo "this is process $$ of user $(id -u)"; read word; echo "you said: $word"; exit 7`;
const EXPECTED_STATUS = 7;
const BESIDE = 'echo "and this is process $$, beside it"';

/** @param {Playground} place @returns {Promise<number>} */
export async function tourOfProcesses(place) {
  const events = await followEvents(place);
  try {
    say(`berth run --rm ${place.id} sh -c '${PROGRAM}'`);
    const task = background(place, ["run", "--rm", place.id, "sh", "-c", PROGRAM]);
    await task.waitFor(/this is .*\n/);
    await showCommand(place, ["tasks", "ls"]);
    await showRecord(place);
    await showCommand(place, ["tasks", "exec", "--exec-id", "beside", place.id, "sh", "-c", BESIDE]);
    await showCommand(place, ["tasks", "ps", place.id]);
    task.child.stdin.end("ahoy\n");
    const status = await task.ended;
    say("its output");
    show(task.output());
    await events.waitFor(/\/containers\/delete/);
    say("its events, as `berth events` streamed them meanwhile");
    show(events.output());
    say(`its exit status: ${status}`);
    if (status !== EXPECTED_STATUS)
      throw new StepError(`the task should have ended with ${EXPECTED_STATUS}\n${place.log}`);
    return 0;
  } finally {
    events.child.kill("SIGTERM");
    await events.ended;
  }
}
