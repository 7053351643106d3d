// Waits for a daemon to be ready: not for its socket's file, but for an answer.
import type { Program } from "./program.js";
import { runProgram } from "./program.js";
import { Hopeless, until } from "./until.js";

/** @throws at once with its log when the daemon ends instead. */
export async function untilAnswers(address: string, daemon: Program): Promise<void> {
  let ended = false;
  void daemon.result.then(() => {
    ended = true;
  });
  await until(
    `an answer on ${address}`,
    async () => {
      if (ended) throw new Hopeless(`the daemon ended: ${daemon.stderr()}${daemon.stdout()}`);
      return (await runProgram("ctr", ["--connect-timeout", "2s", "-a", address, "version"])).code === 0;
    },
    30_000,
  );
}
