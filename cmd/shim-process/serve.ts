// The shim itself: serves the tasks of one namespace of one daemon until nobody needs it.
import { readFileSync, writeFileSync } from "node:fs";
import { systemClock } from "../../api/core/time.js";
import { createProcessHost } from "../../runtime/process/host.js";
import { serveTtrpc } from "../../runtime/ttrpc/server.js";
import { EventQueue } from "./event-queue.js";
import type { ShimFlags } from "./flags.js";
import { Lifetime } from "./lifetime.js";
import { ShimLog } from "./log.js";
import { socketPlace, surroundings } from "./socket-place.js";
import { taskServices } from "./task-service.js";

const SOCKET_MODE = 0o600;
/** For answers that are under way, and then for the last events. */
const DRAIN_TIMEOUT_MS = 2_000;
const MAX_OOM_SCORE_ADJ = 1000;

/** Resolves when the shim has ended. @param onReady called when it listens. @throws when it cannot listen. */
export async function serve(flags: ShimFlags, onReady: () => void): Promise<void> {
  const { namespace, address, debug } = flags;
  const log = new ShimLog(debug);
  // One task's trouble must not be the end of all others.
  process.on("uncaughtException", (err) => log.error({ err }, "uncaught exception"));
  goBeforeDaemon();
  const ttrpcAddress = process.env["TTRPC_ADDRESS"] ?? `${address}.ttrpc`;
  await using events = new EventQueue({ namespace, ttrpcAddress, clock: systemClock, log });
  await using host = createProcessHost({
    log,
    clock: systemClock,
    namespace,
    onEvent: (topic, event) => events.push(topic, event),
  });
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  using lifetime = new Lifetime({ tasks: () => host.tasks(), log, end });
  heedSignals(lifetime);
  {
    await using _server = await serveTtrpc({
      path: socketPlace(address, namespace, surroundings()),
      mode: SOCKET_MODE,
      services: taskServices({
        host,
        onCreate: (bundle) => log.follow(bundle),
        onShutdown: (now) => lifetime.asked(now),
      }),
      log,
      drainTimeoutMs: DRAIN_TIMEOUT_MS,
      onConnections: (count) => lifetime.connected(count),
    });
    onReady();
    await ended;
  }
  await events.drained(DRAIN_TIMEOUT_MS);
}

/** A stop of the host's services must not kill tasks: with tasks the shim stays. */
function heedSignals(lifetime: Lifetime): void {
  process.on("SIGTERM", () => lifetime.asked(true));
  process.on("SIGINT", () => lifetime.asked(true));
  process.on("SIGHUP", () => {});
  // Would open a debugger.
  process.on("SIGUSR1", () => {});
}

/** The kernel, short of memory, is to take a shim rather than its daemon. */
function goBeforeDaemon(): void {
  const file = "/proc/self/oom_score_adj";
  try {
    writeFileSync(file, String(Math.min(Number(readFileSync(file, "utf8")) + 1, MAX_OOM_SCORE_ADJ)));
  } catch {
    // It goes without saying so.
  }
}
