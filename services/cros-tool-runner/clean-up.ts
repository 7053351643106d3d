// The end of a server: what it made goes, newest first, containers before the networks that they are on.
import { stopContainer } from "../../runtime/docker/containers.js";
import { removeNetwork } from "../../runtime/docker/networks.js";
import { discard, recordId } from "./container-record.js";
import type { Runner } from "./runner.js";
import { GRACE_SECONDS } from "./start-container.js";

/** What cannot be put away is logged, and the rest goes all the same. */
export async function cleanUp(runner: Runner): Promise<void> {
  const { engine, log } = runner;
  for (const { name, id } of runner.containers.newestFirst()) {
    try {
      await stopContainer(engine, id, { graceSeconds: GRACE_SECONDS });
      await runner.names.run(name, async () => {
        // The watcher may have been quicker, and a name that was given anew is another's.
        if (runner.containers.has(name, id)) await discard(runner, recordId(name));
      });
    } catch (err) {
      log.error({ container: name, err }, "cannot stop the container");
    }
    runner.containers.forget(name, id);
  }
  for (const { name, id } of runner.networks.newestFirst()) {
    try {
      await removeNetwork(engine, id);
    } catch (err) {
      log.error({ network: name, err }, "cannot remove the network");
    }
    runner.networks.forget(name, id);
  }
}
