// What a registry's resolver is to tell of its requests, and where to: a stream of the client's, else the daemon's log.
// @source containerd core/transfer/registry/registry.go (UnmarshalAny), pkg/httpdbg
import type { HttpWatcher } from "../../api/client/distribution/registry/http-log.js";
import { writeBytes } from "../../api/core/byte-stream.js";
import type { Logger } from "../../api/core/log.js";
import { HTTPDebug } from "../../api/gen/types/transfer/registry.js";
import type { ServerStream } from "../streams.js";

/** Of a client that does not read its stream; what comes then is left out. */
const MAX_UNREAD_BYTES = 256 * 1024;
/** For a client to read what is left once all is told. */
const LAST_WORDS_MS = 5_000;

/** Text for one stream of bytes. Whoever tells it never waits. */
export class LogStream {
  readonly #stream: ServerStream;
  readonly #texts: string[] = [];
  #unreadBytes = 0;
  #leftOut = 0;
  #hasEnded = false;
  #wake = (): void => {};

  constructor(stream: ServerStream) {
    this.#stream = stream;
    // A client that leaves, or misuses its stream, loses its log and no more.
    void writeBytes(stream, this.#bytes()).then(
      () => stream.close(),
      (error: unknown) => {
        this.#hasEnded = true;
        this.#texts.length = 0;
        stream.close(error);
      },
    );
  }

  readonly tell = (text: string): void => {
    if (this.#hasEnded) return;
    if (this.#unreadBytes > MAX_UNREAD_BYTES) {
      this.#leftOut += 1;
      return;
    }
    this.#unreadBytes += text.length;
    this.#texts.push(text);
    this.#wake();
  };

  async *#bytes(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const text = this.#texts.shift();
      if (text !== undefined) {
        yield Buffer.from(text);
        this.#unreadBytes -= text.length;
      } else if (this.#leftOut > 0) {
        const count = this.#leftOut;
        this.#leftOut = 0;
        yield Buffer.from(`[${count} left out: they were not read in time]\n`);
      } else if (this.#hasEnded) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  /** All is told. The stream ends when it is read, or a while later. */
  [Symbol.dispose](): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#wake();
    setTimeout(() => this.#stream.close(), LAST_WORDS_MS).unref();
  }
}

/** undefined: nothing is to be told. */
export function httpWatcher(
  httpDebug: HTTPDebug,
  stream: Pick<LogStream, "tell"> | undefined,
  log: Logger,
): HttpWatcher | undefined {
  const tell = stream?.tell ?? ((text: string) => log.info({ http: text }, "told by a registry's resolver"));
  switch (httpDebug) {
    case HTTPDebug.DEBUG:
      return { onHead: tell };
    case HTTPDebug.TRACE:
      return { onConnection: tell };
    case HTTPDebug.BOTH:
      return { onHead: tell, onConnection: tell };
    case HTTPDebug.DISABLED:
    case HTTPDebug.UNRECOGNIZED:
      return undefined;
  }
}
