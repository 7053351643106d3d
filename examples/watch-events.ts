// Prints what changes in a daemon, Berth's or containerd's, until Ctrl-C:
//   npx tsx examples/watch-events.ts /run/berth/berth.sock 'topic~="^/tasks/"'
import { connect } from "berthd/client";

const [address = "/run/berth/berth.sock", ...filters] = process.argv.slice(2);
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());

const client = connect({ address });
try {
  for await (const event of client.events.subscribe({ filters, signal: stop.signal })) {
    console.log(event.namespace, event.topic, event.event?.typeUrl);
  }
} catch (error) {
  if (!stop.signal.aborted) throw error;
} finally {
  await client[Symbol.asyncDispose]();
}
