// Where the answers of the script may differ on purpose, all in one place, each with its reason. Steps are named as in steps/.
import type { Answer } from "./step.js";

const unnumbered = (key: string): string => key.replace(/^\d+ /, "");

/** What is compared of a step in which the daemons may differ; everywhere else they must be equal to the letter. */
export function commonOfDaemons(key: string, answer: Answer): Answer {
  if (unnumbered(key) !== "version") return answer;
  // Another version: `ctr` warns of it. Berth has no revision to tell.
  const stdout = answer.stdout.replace(/^ *Revision:.*\n/gm, "");
  return { ...answer, stdout, stderr: answer.stderr.replace(/^WARNING: (version|revision) mismatch\n/gm, "") };
}

/** Errors that `berth` tells in other words than `ctr`; all others must be the same but for the program's name. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  "c label missing foo=bar": "berth makes one call, Update, where ctr reads first; each has its own message",
  "c rm c1": "ctr prints a Go struct",
  "t kill -s SIGNOTHING c1": "refused by the client itself, before any call",
  "c rm d1": "ctr prints a Go struct",
  "run --rm --snapshotter overlayfs example.com/ghost:1 i2 /bin/id": "ctr names a folder of its own and not the user",
  "run --rm --snapshotter native example.com/ghost:1 i2 /bin/id": "ctr names a folder of its own and not the user",
  "t rm c1": "ctr wraps it in `no running task found`",
};

interface Common {
  readonly outcome: unknown;
  readonly stdout: unknown;
  readonly stderr: unknown;
}

/** The parts of an answer in which `berth` and `ctr` must agree. */
export function commonOfClients(key: string, answer: Answer): Common {
  const step = unnumbered(key);
  const failed = /^(ctr|berth): /m.test(answer.stderr) && answer.code !== 0;
  return {
    // ctr ends with 1 whenever it refuses something; berth tells classes of failure apart, and run, start, exec and attach end with
    // 125 when the process could not be started.
    outcome: failed ? "refused" : answer.code,
    stdout: commonOutput(step, answer.stdout),
    stderr: failed && step in OTHER_WORDS ? "other words" : commonWords(answer.stderr),
  };
}

function commonWords(stderr: string): string {
  return (
    stderr
      // ctr logs before it tells the error once more, and logs its warnings.
      .replace(/^time="TIME" level=error .*\n/gm, "")
      .replace(/^time="TIME" level=warning msg="(.*)"$/gm, "$1")
      .replace(/^(ctr|berth): /gm, "")
      // What to do next is said by berth only.
      .replace(/^hint: .*\n/gm, "")
      // Whose commit it was, and that it failed, is said by what follows.
      .replace(/^failed commit on ref ".*?": commit failed: /gm, "")
      // ctr's library adds the class of an error that came without one.
      .replace(/(?:: unknown)+$/gm, "")
  );
}

function commonOutput(step: string, stdout: string): unknown {
  // ctr prints its titles before it asks.
  if (step === "content ls size>1") return "";
  if (step === "version") return stdout.slice(stdout.indexOf("Server:"));
  // ctr prints a Go struct where berth prints the exec id.
  if (step.includes("t ps")) return stdout.replace(/&ProcessDetails\{ExecID:(\w+),.*\}/g, "$1");
  if (step.startsWith("c info c")) return commonRecord(stdout);
  // berth asks the daemon to keep what its containers write, by a label.
  return stdout.replaceAll(/berth\.io\/log=keep,?|"berth\.io\/log":"keep",?/g, "");
}

/** A record as an object, so without the order of keys; the spec without what berth adds to ctr's on purpose. */
function commonRecord(stdout: string): unknown {
  const record: unknown = JSON.parse(stdout, (key, value: unknown) => {
    if (key === "berth.io/log") return undefined;
    if (key === "Labels" && JSON.stringify(value) === "{}") return null;
    // A PATH is there without asking, as images have one and a bare root filesystem does not.
    if (key === "env" && Array.isArray(value)) {
      const asked = value.filter((entry) => !String(entry).startsWith("PATH="));
      return asked.length === 0 ? undefined : asked;
    }
    // The default weight that `ctr run` gives and `ctr containers create` forgets.
    if (key === "cpu") return undefined;
    return value;
  });
  return record;
}
