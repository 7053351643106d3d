// Follows the events of a daemon, Berth's or containerd's, with their payloads typed, until Ctrl-C; a daemon that goes away is waited for:
//   npx tsx examples/watch-events.ts                                             Berth's, all namespaces
//   npx tsx examples/watch-events.ts /run/containerd/containerd.sock moby        containerd's, one namespace
import { connect, type DaemonEvent, isUnavailable } from "berthd/client";

const RECONNECT_TIMEOUT_MS = 1_000;
const [address = "/run/berth/berth.sock", namespace = ""] = process.argv.slice(2);
const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());

/** One line for people. The topic tells the type of the payload. */
function describe(event: DaemonEvent): string {
  switch (event.topic) {
    case "/tasks/start":
      return `task ${event.payload.containerId} runs as process ${event.payload.pid}`;
    case "/tasks/exit": {
      const { containerId, id, exitStatus } = event.payload;
      return `${id === containerId ? "task" : `process ${id} of task`} ${containerId} ended with ${exitStatus}`;
    }
    case "/tasks/oom":
      return `task ${event.payload.containerId} ran out of memory`;
    case "/containers/create":
      return `container ${event.payload.id} was made for ${event.payload.runtime?.name}`;
    case "/containers/delete":
      return `container ${event.payload.id} was removed`;
    case "/images/create":
      return `image ${event.payload.name} is here`;
    case "other":
      return event.name;
    default:
      return event.topic;
  }
}

const timeOf = ({ timestampNs = 0n }: DaemonEvent): string => new Date(Number(timestampNs / 1_000_000n)).toISOString();

await using client = connect({ address });
while (!stop.signal.aborted) {
  try {
    await client.ready({ timeoutMs: RECONNECT_TIMEOUT_MS });
    console.error(`following ${address}`);
    for await (const event of client.events.follow({ namespace, signal: stop.signal })) {
      console.log(`${timeOf(event)} ${event.namespace}: ${describe(event)}`);
    }
  } catch (error) {
    // What happens while nobody is connected is missed.
    if (!stop.signal.aborted && !isUnavailable(error)) throw error;
  }
}
