// Asking for a password: on the terminal, unseen; from the input where there is none.
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { UsageError } from "./exit-status.js";

/** @throws UsageError when the input ends first. */
export async function askPassword(): Promise<string> {
  const isTerminal = process.stdin.isTTY === true;
  if (isTerminal) process.stderr.write("Password: ");
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: unseen, terminal: isTerminal });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      lines.once("SIGINT", () => process.exit(130));
      lines.once("close", () => reject(new UsageError("a password was asked for and none given")));
    });
  } finally {
    lines.close();
    process.stdin.pause();
    if (isTerminal) process.stderr.write("\n");
  }
}
