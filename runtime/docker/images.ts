// Images where an engine needs them: in its own store, brought there as an archive, or pulled by it from a registry.
import { Readable } from "node:stream";
import type Dockerode from "dockerode";
import { errorOf, isNotFound, unknownError } from "../../api/core/errors.js";
import { quote } from "../../api/core/quote.js";
import type { Engine } from "./engine.js";
import { engineImageName, type RemoteName } from "./image-name.js";
import { type EngineLine, engineLines, PullMeter, type PullProgress } from "./image-progress.js";

/** That long an engine may say nothing about a pull or load: registries that stall would hold it for ever. */
const STALL_TIMEOUT_MS = 120_000;
/** What the engine says a loaded archive held, by name or id; engines differ in the words before. */
const LOADED = /^Loaded image(?:\(s\))?(?: ID)?: ([^\s,]+)/;

/** Who to be at a registry. Without a username the password is a token of the registry. */
export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
}

export interface TransferOptions {
  /** Ends it; the engine keeps nothing of what is not complete. */
  readonly signal?: AbortSignal | undefined;
  /** Hears of each step; must be quick and must not throw. */
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
  /** How long the engine may say nothing. Default: 2 minutes. */
  readonly stallTimeoutMs?: number | undefined;
}

export interface PullOptions extends TransferOptions {
  /** Default: nobody. */
  readonly auth?: RegistryAuth | undefined;
}

/** The name under which the engine has the image, for a container to be made of; undefined when it has not. */
export async function findImage(engine: Engine, name: string, signal?: AbortSignal): Promise<string | undefined> {
  for (const candidate of engineImageName(name)?.candidates ?? []) {
    const isThere = await engine
      .call(`look for image ${name}`, (docker) => docker.getImage(candidate).inspect(), {
        signal,
      })
      .then(
        () => true,
        (error: unknown) => {
          if (isNotFound(error)) return false;
          throw error;
        },
      );
    if (isThere) return candidate;
  }
  return undefined;
}

/** Whether the engine has the image in its own store. */
export async function hasImage(engine: Engine, name: string, signal?: AbortSignal): Promise<boolean> {
  return (await findImage(engine, name, signal)) !== undefined;
}

/**
 * Has the engine fetch an image from its registry, also when it has one of that name.
 * @throws invalid_argument for a name that no registry can have, not_found, unknown with the engine's words, deadline_exceeded when it
 * stalls, cancelled.
 */
export async function pullImage(engine: Engine, name: string, options: PullOptions = {}): Promise<void> {
  const remote = engineImageName(name)?.remote;
  if (remote === undefined) throw errorOf("invalid_argument", `image ${quote(name)} cannot be in a registry`);
  const { auth } = options;
  const meter = new PullMeter("resolving");
  const what = `pull image ${name}`;
  await transfer(engine, what, options, async (docker, abortSignal, heard) => {
    const answer = await docker.createImage({
      _query: { fromImage: remote.repository, tag: remote.object },
      _body: {},
      abortSignal,
      ...(auth !== undefined && { authconfig: authConfig(auth, remote) }),
    });
    for await (const line of engineLines(bytesOf(answer), what)) heard(meter.take(line));
    options.onProgress?.(meter.end("done"));
  });
}

/**
 * Loads an archive of one image. While the engine has not got all of it, who gives up makes it throw away what it has; afterwards it
 * cannot be stopped.
 * @returns what the engine loaded, by name or id.
 * @throws what reading the archive throws, unknown with the engine's words, deadline_exceeded when it stalls, cancelled.
 */
export async function loadImage(
  engine: Engine,
  archive: AsyncIterable<Uint8Array>,
  { signal, ...options }: TransferOptions = {},
): Promise<string> {
  const meter = new PullMeter("loading");
  const giveUp = new AbortController();
  const onAbort = (): void => giveUp.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  const keepOn = (): void => signal?.removeEventListener("abort", onAbort);
  try {
    return await transfer(engine, "load image", { ...options, signal: giveUp.signal }, async (docker, stop, heard) => {
      const body = new Body(archive, { onPiece: () => heard(undefined), onEnd: keepOn });
      try {
        const answer = await docker.loadImage(body.stream, { _query: { quiet: false }, abortSignal: stop });
        let loaded: string | undefined;
        for await (const line of engineLines(bytesOf(answer), "load image")) {
          loaded = loadedName(line) ?? loaded;
          heard(meter.take(line));
        }
        if (loaded === undefined) throw unknownError("docker: load image: the engine does not say what it loaded");
        options.onProgress?.(meter.end("done"));
        return loaded;
      } catch (error) {
        throw body.problem ?? error;
      } finally {
        body.stream.destroy();
      }
    });
  } finally {
    keepOn();
  }
}

/** An archive on its way to the engine, which sees of a failure only that there is no more. */
class Body {
  readonly stream: Readable;
  problem: unknown;

  constructor(
    archive: AsyncIterable<Uint8Array>,
    { onPiece, onEnd }: { readonly onPiece: () => void; readonly onEnd: () => void },
  ) {
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of archive) {
        onPiece();
        yield piece;
      }
      onEnd();
    };
    this.stream = Readable.from(pieces(), { objectMode: false });
    this.stream.once("error", (error) => {
      this.problem = error;
    });
  }
}

function loadedName({ stream = "" }: EngineLine): string | undefined {
  return LOADED.exec(stream)?.[1];
}

/** Gives an image of the engine a further name. */
export async function tagImage(engine: Engine, image: string, { repository, tag }: RemoteName): Promise<void> {
  await engine.call(`tag image ${image}`, (docker) => docker.getImage(image).tag({ repo: repository, tag }));
}

const authConfig = (
  { username, password }: RegistryAuth,
  { repository }: RemoteName,
): Dockerode.AuthConfig | object => {
  const serveraddress = repository.slice(0, repository.indexOf("/"));
  return username === "" ? { identitytoken: password, serveraddress } : { username, password, serveraddress };
};

/** The client's types know no bytes. */
const bytesOf = (answer: NodeJS.ReadableStream): AsyncIterable<Uint8Array | string> => answer;

/** A call without a deadline, but with one for each piece of news. */
async function transfer<T>(
  engine: Engine,
  what: string,
  { signal, onProgress, stallTimeoutMs = STALL_TIMEOUT_MS }: TransferOptions,
  work: (docker: Dockerode, signal: AbortSignal, heard: (news: PullProgress | undefined) => void) => Promise<T>,
): Promise<T> {
  const stall = new AbortController();
  const timer = setTimeout(() => stall.abort(), stallTimeoutMs);
  const heard = (news: PullProgress | undefined): void => {
    timer.refresh();
    if (news !== undefined) onProgress?.(news);
  };
  const signals = signal === undefined ? [stall.signal] : [signal, stall.signal];
  try {
    return await engine.call(what, (docker, abortSignal) => work(docker, abortSignal, heard), {
      signal: AbortSignal.any(signals),
      timeoutMs: Number.POSITIVE_INFINITY,
    });
  } catch (error) {
    if (stall.signal.aborted && signal?.aborted !== true) {
      const seconds = stallTimeoutMs / 1000;
      throw errorOf("deadline_exceeded", `docker: ${what}: nothing has moved for ${seconds} seconds`, error);
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
