// The daemon's logs: who keeps them, and that they go with their containers.
import type { ContainerReader } from "../api/core/container.js";
import type { EventLedger } from "../api/core/event.js";
import type { Logger } from "../api/core/log.js";
import type { Clock } from "../api/core/time.js";
import { ContainerDelete } from "../api/gen/events/container.js";
import { LogKeeper } from "../runtime/logs/log-keeper.js";
import type { LogsConfig } from "./logs-config.js";

const DELETE_TOPIC = "/containers/delete";

export interface KeptLogsDeps {
  readonly rootDir: string;
  readonly stateDir: string;
  /** Absolute path of `bin/berth-log-writer`. */
  readonly program: string;
  readonly settings: LogsConfig;
  readonly containers: ContainerReader;
  readonly events: EventLedger;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Disposing ends the daemon's part; the log process goes on. */
export interface KeptLogs extends AsyncDisposable {
  readonly keeper: LogKeeper;
}

export function keepLogs(deps: KeptLogsDeps): KeptLogs {
  const keeper = new LogKeeper(deps);
  const over = new AbortController();
  const following = removeWithContainers(keeper, deps, over.signal);
  return {
    keeper,
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await following;
      await keeper[Symbol.asyncDispose]();
    },
  };
}

/** Those that are deleted while no daemon listens are found at the next start. */
async function removeWithContainers(
  keeper: LogKeeper,
  { events, log }: Pick<KeptLogsDeps, "events" | "log">,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const { namespace, event } of events.subscribe({ filters: [`topic=="${DELETE_TOPIC}"`], signal })) {
      if (event === undefined) continue;
      const { id } = ContainerDelete.decode(event.value);
      await keeper
        .deleted(namespace, id)
        .catch((err: unknown) => log.warn({ err, namespace, id }, "the log of a deleted container was not removed"));
    }
  } catch (err) {
    if (!signal.aborted) log.error({ err }, "logs are not removed with their containers any more");
  }
}
