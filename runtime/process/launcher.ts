// How a process comes to be: a shell that waits at the door. It has the pid, the session, the terminal and the environment that
// the program will have, and becomes the program when it is let go. It ends when its maker does, for nobody could let it go then.
import { closeSync, realpathSync } from "node:fs";
import { Socket } from "node:net";
import { basename } from "node:path";
import { unknownError } from "../../api/core/errors.js";
import { quote } from "../../api/core/quote.js";
import { socketPair, spawnProcess } from "../sys/spawn.js";
import { systemReason } from "../sys/system-text.js";
import {
  type Environment,
  environmentWords,
  type SplitEnvironment,
  splitEnvironment,
  WORD_VARIABLE,
} from "./environment.js";

const SHELL = "/bin/sh";

/**
 * $1 is the umask, $2 the terminal or nothing, the rest the program and its arguments. Descriptor 0 leads to the maker, and 3 is the
 * program's 0, since a shell reads from 0 with the least ado. Each line from there is a word that goes before the program, octal
 * escapes in it for what a line cannot hold; an empty line lets go. The first terminal that a leader of a session opens becomes
 * its controlling one.
 */
const SCRIPT = `
umask "$1" || exit 125
[ -z "$2" ] || exec 3<>"$2" 1>&3 2>&3 || exit 125
shift 2
echo >&0
while IFS= read -r ${WORD_VARIABLE}; do
  case $${WORD_VARIABLE} in
    "") exec 0<&3 3<&-; unset ${WORD_VARIABLE} PWD OLDPWD; exec "$@" ;;
    *\\\\*) ${WORD_VARIABLE}=$(printf "%b." "$${WORD_VARIABLE}"); ${WORD_VARIABLE}=\${${WORD_VARIABLE}%.} ;;
  esac
  set -- "$${WORD_VARIABLE}" "$@"
done
exit 125
`;

export interface LaunchRequest {
  /** What runs, its first word the program. */
  readonly args: readonly string[];
  readonly environment: Environment;
  readonly cwd: string;
  readonly umask: number;
  /** Programs that change what only a process can change of itself, with their flags, up to where a command follows. */
  readonly changes: readonly string[];
  readonly terminalPath: string | undefined;
  readonly descriptors: readonly [number, number, number];
}

/** Whether the shell passes an environment on and adds nothing but what the script takes away again. */
function isPlainShell(shell: string): boolean {
  return basename(realpathSync(shell)) === "dash";
}

/** As the script reads it: one line, a backslash before three digits for each byte that is not plain. */
function encodeWord(word: string): string {
  let line = "";
  for (const byte of Buffer.from(word)) {
    const isPlain = byte > 0x20 && byte < 0x7f && byte !== 0x5c;
    line += isPlain || byte === 0x20 ? String.fromCharCode(byte) : `\\0${byte.toString(8).padStart(3, "0")}`;
  }
  return `${line}\n`;
}

/** A process that exists and has not begun. */
export class Launcher implements Disposable {
  readonly pid: number;
  readonly #words: readonly string[];
  readonly #socket: Socket;

  constructor(pid: number, socket: Socket, words: readonly string[]) {
    this.pid = pid;
    this.#socket = socket;
    this.#words = words;
    // It may have been killed: whoever reaps it tells so.
    socket.on("error", () => socket.destroy());
  }

  /** Resolves when the shell waits: what has been asked for of it up to there is done. @throws unknown when it has ended. */
  async ready(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.once("data", () => resolve());
      this.#socket.once("close", () => reject(unknownError("the launcher ended early")));
    });
  }

  /** The program begins. */
  release(): void {
    // The last word is put first.
    const lines = this.#words.toReversed().map(encodeWord);
    this.#socket.end(`${lines.join("")}\n`);
  }

  /** One that was not let go ends. Idempotent. */
  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** What the kernel takes in one word, its end included, and in all of them together, where nobody has set other limits. */
const MAX_WORD_BYTES = 128 * 1024;
const MAX_WORDS_BYTES = 2 * 1024 * 1024;
const POINTER_BYTES = 8;

/** The kernel itself refuses what is there from the beginning; what comes later would fail when nobody can be told. */
function checkLengths(args: readonly string[], { inherited, late }: SplitEnvironment, words: readonly string[]): void {
  if (late === undefined) return;
  const lengths = [...args, ...inherited, ...words].map((word) => Buffer.byteLength(word) + 1);
  const sum = lengths.reduce((total, bytes) => total + bytes + POINTER_BYTES, 0);
  if (sum < MAX_WORDS_BYTES && lengths.every((bytes) => bytes <= MAX_WORD_BYTES)) return;
  throw unknownError(`exec: ${quote(args[0] ?? "")}: argument list too long`);
}

/** @throws unknown in the words of a runtime when there is no such process: too long arguments, too many processes, … */
export function launch(request: LaunchRequest, shell = SHELL): Launcher {
  const { args, cwd, umask, terminalPath = "", changes } = request;
  const [stdin, stdout, stderr] = request.descriptors;
  const isPlain = isPlainShell(shell);
  const split = splitEnvironment(request.environment, isPlain);
  const words = [...changes, ...environmentWords(args[0] ?? "", split, isPlain)];
  checkLengths(args, split, words);
  const [ours, theirs] = socketPair();
  const socket = new Socket({ fd: ours, readable: true, writable: true });
  try {
    const pid = spawnProcess({
      path: shell,
      args: ["sh", "-c", SCRIPT, "sh", `0${umask.toString(8)}`, terminalPath, ...args],
      env: split.inherited,
      cwd,
      descriptors: [theirs, stdout, stderr, stdin],
    });
    return new Launcher(pid, socket, words);
  } catch (error) {
    socket.destroy();
    throw unknownError(`exec: ${quote(args[0] ?? "")}: ${systemReason(error)}`, error);
  } finally {
    closeSync(theirs);
  }
}
