// What a daemon tells of an image that a task on Docker waits for, as news of a pull.
import { DOCKER_PULL_TOPIC, type DockerPull, type DockerPullStatus } from "../../core/docker-pull.js";
import type { OnProgress, ProgressEvent } from "../distribution/progress.js";
import type { RemoteEvents } from "../remote-events.js";

/** The news take another way than the answer, and may be later. */
const LAST_NEWS_MS = 500;

const STATUSES: Readonly<Record<DockerPullStatus, ProgressEvent["status"]>> = {
  resolving: "resolving",
  downloading: "downloading",
  extracting: "unpacking",
  loading: "uploading",
  done: "saved",
  failed: "waiting",
};

/** What tells of a daemon's events; a client does. */
export interface EventfulDaemon {
  readonly events: RemoteEvents;
}

export interface DockerPullOptions {
  readonly namespace: string;
  /** Of the container. */
  readonly id: string;
  /** As the container's record names it. */
  readonly image: string;
  readonly onProgress: OnProgress;
}

/** Does work that creates a task, for which the daemon may fetch an image, and passes on what it tells of that. */
export async function withDockerPull<T>(
  { events }: EventfulDaemon,
  { namespace, id, image, onProgress }: DockerPullOptions,
  work: () => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const topics = [DOCKER_PULL_TOPIC, "/tasks/create"] as const;
  let isUnderWay = false;
  const follow = async (): Promise<void> => {
    for await (const event of events.follow({ namespace, topics, signal: stop.signal })) {
      if (event.topic === "/tasks/create") {
        // Whatever there was to tell has been told before.
        if (event.payload.containerId === id) return;
      } else if (event.payload.image === image) {
        onProgress(toProgress(event.payload));
        isUnderWay = event.payload.status !== "failed" && event.payload.status !== "done";
        if (event.payload.status === "failed") return;
      }
    }
  };
  // Whoever cannot follow still gets the task.
  const following = follow().catch(() => undefined);
  const giveUp = (): void => stop.abort();
  let timer: NodeJS.Timeout | undefined;
  try {
    const result = await work();
    isUnderWay = true;
    return result;
  } finally {
    if (isUnderWay) {
      timer = setTimeout(giveUp, LAST_NEWS_MS);
      await following;
    }
    clearTimeout(timer);
    giveUp();
  }
}

function toProgress({ image, status, currentBytes, totalBytes }: DockerPull): ProgressEvent {
  return { name: image, status: STATUSES[status], doneBytes: currentBytes, totalBytes };
}
