// What the ledger hears of an image on its way into the engine: at most one event a second, and how it ended.
import { DOCKER_PULL_TOPIC, type DockerPullStatus, dockerPullCodec } from "../../api/core/docker-pull.js";
import type { EventLedger } from "../../api/core/event.js";
import type { Logger } from "../../api/core/log.js";
import type { Clock } from "../../api/core/time.js";
import type { PullProgress } from "./image-progress.js";

const INTERVAL_NS = 1_000_000_000n;

export interface PullNewsDeps {
  readonly ledger: Pick<EventLedger, "append">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly namespace: string;
  /** As the container's record names it. */
  readonly image: string;
}

/**
 * Does work that tells its progress, and tells the ledger of it. When it returns, the ledger has everything; an image that was there
 * already is no news.
 * @throws what the work throws, and nothing else.
 */
export async function tellPull<T>(
  deps: PullNewsDeps,
  work: (onProgress: (progress: PullProgress) => void) => Promise<T>,
): Promise<T> {
  const news = new PullNews(deps);
  try {
    const result = await work((progress) => news.take(progress));
    await news.end("done");
    return result;
  } catch (error) {
    await news.end("failed");
    throw error;
  }
}

class PullNews {
  readonly #deps: PullNewsDeps;
  #last: PullProgress | undefined;
  #toldAtNs: bigint | undefined;
  #telling: Promise<void> = Promise.resolve();

  constructor(deps: PullNewsDeps) {
    this.#deps = deps;
  }

  take(progress: PullProgress): void {
    this.#last = progress;
    const nowNs = this.#deps.clock();
    if (isEnd(progress.status)) return;
    if (this.#toldAtNs !== undefined && nowNs - this.#toldAtNs < INTERVAL_NS) return;
    this.#tell(progress, nowNs);
  }

  async end(status: "done" | "failed"): Promise<void> {
    if (this.#last !== undefined) this.#tell({ ...this.#last, status }, this.#deps.clock());
    await this.#telling;
  }

  #tell(progress: PullProgress, timestampNs: bigint): void {
    this.#toldAtNs = timestampNs;
    const { ledger, log, namespace, image } = this.#deps;
    const event = dockerPullCodec.encode({ image, ...progress });
    this.#telling = this.#telling
      .then(() => ledger.append([{ timestampNs, namespace, topic: DOCKER_PULL_TOPIC, event }]))
      .catch((err: unknown) => log.warn({ err, namespace, image }, "telling of a docker pull failed"));
  }
}

const isEnd = (status: DockerPullStatus): boolean => status === "done" || status === "failed";
