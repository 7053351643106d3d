// Access tokens for containers that ask Google's clouds by themselves: a file that the container sees, written anew before it is old.
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findContainer } from "../../runtime/docker/containers.js";
import { serviceError } from "./errors.js";
import { runGcloud } from "./gcloud.js";
import type { Runner } from "./runner.js";

const FILE = "authToken.txt";
const TOKEN_MODE = 0o600;
/** Tokens live for an hour. */
const RENEW_MS = 50 * 60_000;
const RETRY_MS = 60_000;

/** Writes it, and goes on to do so while there is a container of the name. @throws unknown with gcloud's words. */
export async function keepToken(runner: Runner, folder: string, name: string, signal?: AbortSignal): Promise<void> {
  await writeToken(runner, folder, signal);
  void renew(runner, folder, name).catch((err: unknown) => {
    if (!runner.ending.aborted) runner.log.error({ container: name, err }, "cannot keep the access token fresh");
  });
}

async function renew(runner: Runner, folder: string, name: string): Promise<void> {
  const { engine, ending, tokenFolders, log } = runner;
  // A later container of the name has a folder of its own.
  const own = { folder };
  tokenFolders.set(name, own);
  let waitMs = RENEW_MS;
  for (;;) {
    await delay(waitMs, undefined, { signal: ending, ref: false });
    if (tokenFolders.get(name) !== own) return;
    try {
      const container = await findContainer(engine, name, ending);
      if (container === undefined || !runner.containers.has(name, container.id)) break;
      await writeToken(runner, folder, ending);
      waitMs = RENEW_MS;
    } catch (err) {
      ending.throwIfAborted();
      log.warn({ container: name, err }, "cannot renew the access token");
      waitMs = RETRY_MS;
    }
  }
  if (tokenFolders.get(name) === own) tokenFolders.delete(name);
}

async function writeToken(
  { gcloud }: Pick<Runner, "gcloud">,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { isDone, stdout, stderr } = await runGcloud(["auth", "print-access-token"], gcloud, signal);
  if (!isDone) throw serviceError("unknown", stderr.trim());
  const path = join(folder, FILE);
  // Nobody reads half a token.
  await writeFile(`${path}.new`, stdout.trim(), { mode: TOKEN_MODE });
  await rename(`${path}.new`, path);
}
