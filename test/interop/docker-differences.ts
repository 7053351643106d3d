// Where tasks of a Docker engine, or of Podman, answer `ctr` otherwise than runc's, all in one place, each with its reason. Steps are named as in
// steps/; everywhere else the answers are equal to the letter.
import type { Answer } from "./step.js";

interface Difference {
  readonly reason: string;
  /** What both have in common. */
  readonly common: (answer: Answer) => unknown;
}

const NOT_THERE = /exec: "\/bin\/not-there": stat \/bin\/not-there: no such file or directory/;

const DIFFERENCES: Readonly<Record<string, Difference>> = {
  "t exec --exec-id x3 c1 /bin/not-there": {
    reason: "the engine writes why into the exec's own output, and tells its caller that it could not be run",
    common: ({ code, stdout, stderr }) => ({ code, isTold: NOT_THERE.test(stdout + stderr) }),
  },
  "run --rm --rootfs ROOTFS r1 /bin/not-there": {
    reason: "the engine looks for the program when it starts it, and tells it in words of its own around runc's",
    common: ({ code, stdout, stderr }) => ({ code, stdout, isTold: NOT_THERE.test(stderr) }),
  },
  "t metrics --format json": {
    reason: "the engine counts the network's bytes, and does not tell how the group stands with its memory",
    common: ({ code, stdout }) => ({
      code,
      groups: stdout.split("\n").filter((name) => !["network", "memory_oom_control"].includes(name)),
    }),
  },
  "c ls": {
    reason: "the runtime's name",
    common: ({ code, stdout }) => ({ code, rows: stdout.replace(/io\.[\w.]+/g, "RUNTIME").replace(/ +/g, " ") }),
  },
};

/** The parts of an answer in which the runtimes must agree. */
export function commonOfRuntimes(key: string, answer: Answer): unknown {
  return DIFFERENCES[key.replace(/^\d+ /, "")]?.common(answer) ?? answer;
}
