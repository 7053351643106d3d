// Access tokens in files for containers that cannot ask for one: written anew before they run out, and removed in the end.
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isNotFound } from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";

const TOKEN_FILE = "authToken.txt";
/** With this file beside it the container says that it needs no token any more. */
const END_FILE = "removeSignal.txt";
const INTERVAL_MS = 60_000;

export interface TokenFilesDeps {
  /** A token as gcloud prints it. */
  readonly accessToken: (signal?: AbortSignal) => Promise<string>;
  /** @throws not_found when a container is gone */
  readonly lookUp: (container: string, signal?: AbortSignal) => Promise<unknown>;
  readonly log: Logger;
  /** Milliseconds from one token to the next. Default: a minute. */
  readonly intervalMs?: number;
}

/** Disposing stops the renewals and removes the files. */
export class TokenFiles implements AsyncDisposable {
  readonly #deps: TokenFilesDeps;
  readonly #ending = new AbortController();
  /** By the path of the file. */
  readonly #renewals = new Map<string, Promise<void>>();

  constructor(deps: TokenFilesDeps) {
    this.#deps = deps;
  }

  /** Writes a token into a folder, and goes on with that until the container is gone. */
  async keep(folder: string, container: string, signal?: AbortSignal): Promise<void> {
    const path = join(folder, TOKEN_FILE);
    await mkdir(folder, { recursive: true });
    await this.#write(path, signal);
    if (!this.#renewals.has(path)) this.#renewals.set(path, this.#renew(path, folder, container));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#renewals.values());
  }

  async #write(path: string, signal?: AbortSignal): Promise<void> {
    await writeFile(path, (await this.#deps.accessToken(signal)).trim());
  }

  async #renew(path: string, folder: string, container: string): Promise<void> {
    const { signal } = this.#ending;
    try {
      while (await this.#isNeeded(folder, container, signal)) {
        await this.#write(path, signal).catch((err: unknown) =>
          this.#deps.log.warn({ err, container }, "cannot renew the access token of a container"),
        );
      }
    } finally {
      this.#renewals.delete(path);
      await rm(path, { force: true }).catch((err: unknown) =>
        this.#deps.log.warn({ err, container }, "cannot remove the access token of a container"),
      );
    }
  }

  /** Waits until a new token is due, and tells whether one is. */
  async #isNeeded(folder: string, container: string, signal: AbortSignal): Promise<boolean> {
    await pause(this.#deps.intervalMs ?? INTERVAL_MS, signal);
    if (signal.aborted || (await isThere(join(folder, END_FILE)))) return false;
    try {
      await this.#deps.lookUp(container, signal);
      return true;
    } catch (error) {
      return !isNotFound(error);
    }
  }
}

/** Ends early, and quietly, with the signal. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
