// News of a transfer to whoever follows it, in containerd's words: at once when something begins or ends, else a few times a second.
// @source containerd core/transfer/local/progress.go
import type { ObjectStatus, ProgressEvent } from "../../api/client/distribution/progress.js";
import { toDescriptorMessage } from "../../api/core/image-message.js";
import { anyOfMessage } from "../../api/core/typeurl.js";
import { Progress } from "../../api/gen/types/transfer/progress.js";
import type { ServerStream } from "../streams.js";

const PROGRESS_TYPE = "containerd.types.transfer.Progress";
const TICK_MS = 300;
/** Of a follower that does not read. What is beyond waits, each piece of news replaced by the next about the same. */
const MAX_UNREAD = 256;

const WORDS: Readonly<Record<ObjectStatus | "resolving" | "resolved" | "saved", string>> = {
  waiting: "waiting",
  downloading: "downloading",
  uploading: "uploading",
  done: "complete",
  exists: "already exists",
  unpacking: "extracting",
  unpacked: "extracted",
  mounted: "complete",
  resolving: "resolving",
  resolved: "fetching image content",
  saved: "saved",
};

/** Tells one stream; without one, nobody. */
export class ProgressTeller {
  readonly #stream: ServerStream | undefined;
  #unread = 0;
  /** By what it is about: no more of it than there are objects. */
  readonly #waiting = new Map<string, Progress>();
  readonly #told = new Map<string, { status: string; atMs: number }>();

  constructor(stream: ServerStream | undefined) {
    this.#stream = stream;
  }

  /** A line about the whole. */
  line(event: string): void {
    this.#tell(`line ${event}`, Progress.fromPartial({ event }));
  }

  readonly event = ({ name, status, descriptor, doneBytes = 0, totalBytes = 0, parents = [] }: ProgressEvent): void => {
    const before = this.#told.get(name);
    const nowMs = performance.now();
    const isTick = before?.status === status;
    if (isTick && nowMs - before.atMs < TICK_MS) return;
    this.#told.set(name, { status, atMs: nowMs });
    this.#tell(`object ${name}`, {
      event: WORDS[status],
      name,
      parents: [...parents],
      progress: BigInt(doneBytes),
      total: BigInt(totalBytes),
      desc: descriptor && toDescriptorMessage(descriptor),
    });
  };

  #tell(about: string, progress: Progress): void {
    if (this.#stream === undefined) return;
    if (this.#unread < MAX_UNREAD) {
      this.#send(progress);
      return;
    }
    // At its end, so that what is told last comes last.
    this.#waiting.delete(about);
    this.#waiting.set(about, progress);
  }

  #send(progress: Progress): void {
    if (this.#stream === undefined) return;
    this.#unread += 1;
    // One that has gone is no reason to stop.
    void this.#stream.send(anyOfMessage(PROGRESS_TYPE, Progress, progress)).then(() => {
      this.#unread -= 1;
      this.#sendWaiting(1);
    });
  }

  #sendWaiting(count: number): void {
    let left = count;
    for (const [about, progress] of this.#waiting) {
      if (left === 0) return;
      left -= 1;
      this.#waiting.delete(about);
      this.#send(progress);
    }
  }

  /** All is told. */
  end(): void {
    this.#sendWaiting(this.#waiting.size);
    this.#stream?.close();
  }
}
