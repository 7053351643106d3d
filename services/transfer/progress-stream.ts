// News of a transfer to whoever follows it, in containerd's words: at once when something begins or ends, else a few times a second.
// @source containerd core/transfer/local/progress.go
import type { ObjectStatus, ProgressEvent } from "../../api/client/distribution/progress.js";
import { toDescriptorMessage } from "../../api/core/image-message.js";
import { anyOfMessage } from "../../api/core/typeurl.js";
import { Progress } from "../../api/gen/types/transfer/progress.js";
import type { ServerStream } from "../streams.js";

const PROGRESS_TYPE = "containerd.types.transfer.Progress";
const TICK_MS = 300;
/** Of a follower that does not read: from then on it gets no more ticks, only what begins and ends. */
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
  readonly #told = new Map<string, { status: string; atMs: number }>();

  constructor(stream: ServerStream | undefined) {
    this.#stream = stream;
  }

  /** A line about the whole. */
  line(event: string): void {
    this.#send(Progress.fromPartial({ event }));
  }

  readonly event = ({ name, status, descriptor, doneBytes = 0, totalBytes = 0, parents = [] }: ProgressEvent): void => {
    const before = this.#told.get(name);
    const nowMs = performance.now();
    const isTick = before?.status === status;
    if (isTick && (nowMs - before.atMs < TICK_MS || this.#unread >= MAX_UNREAD)) return;
    this.#told.set(name, { status, atMs: nowMs });
    this.#send({
      event: WORDS[status],
      name,
      parents: [...parents],
      progress: BigInt(doneBytes),
      total: BigInt(totalBytes),
      desc: descriptor && toDescriptorMessage(descriptor),
    });
  };

  #send(progress: Progress): void {
    if (this.#stream === undefined) return;
    this.#unread += 1;
    // A slow follower is fed from its queue; one that has gone is no reason to stop.
    void this.#stream.send(anyOfMessage(PROGRESS_TYPE, Progress, progress)).then(() => {
      this.#unread -= 1;
    });
  }

  /** All is told. */
  end(): void {
    this.#stream?.close();
  }
}
