// Kills the daemon in the middle of a mixed load, again and again, and looks after each restart whether anything that was
// acknowledged is missing. At the end every life is led to its end, and the ledger and the host are looked over.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "../../api/client/connect.js";
import type { DisposeScope } from "../../api/core/dispose.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { findLeftovers, findRemains, shimSockets } from "../helpers/leftovers.js";
import type { Random } from "../helpers/random.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";
import { checkStories } from "./check.js";
import { exitFaults } from "./exits.js";
import { drawStory, lead } from "./life.js";
import type { ContainerStory } from "./story.js";

/** Lives led at once. */
const CALLERS = 4;
/** A kill comes after at most this many further calls, and up to so many milliseconds into one. */
const CALLS_BETWEEN_KILLS = 40;
const KILL_DELAY_MS = 40;
/** How often the next daemon is killed too, while it settles what the last one left, and so long after its start at most. */
const EARLY_KILL_CHANCE = 0.3;
const EARLY_KILL_DELAY_MS = 800;
const NO_LIMIT = Number.POSITIVE_INFINITY;
/** So many characters of a log are shown. */
const LAST_WORDS = 2_000;

export interface CrashOptions {
  readonly kills: number;
  readonly random: Random;
  readonly say?: (line: string) => void;
}

export interface CrashReport {
  readonly kills: number;
  readonly calls: number;
  readonly containers: number;
  readonly processes: number;
  /** Everything that went wrong, one line each. */
  readonly faults: readonly string[];
}

/** Thrown instead of a call when the daemon is about to be killed. */
class Stopped extends Error {}

export async function runCrashes(scope: DisposeScope, options: CrashOptions): Promise<CrashReport> {
  const { random, say = () => {} } = options;
  const namespace = freshNamespace(scope);
  const rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
  let daemon: Berthd = await startBerthd(scope);
  const dbPath = join(daemon.rootDir, "metadata.db");
  const stories: ContainerStory[] = [];
  const sockets = new Set<string>();
  const faults: string[] = [];
  let calls = 0;

  /** Runs the load until `callLimit` calls have begun, or to the end of every life when there is no limit. */
  const load = async (callLimit: number): Promise<void> => {
    await using client = connect({ address: daemon.address });
    const limit = calls + callLimit;
    let isKilled = false;
    let killing: Promise<unknown> | undefined;
    const beforeCall = (): void => {
      if (isKilled) throw new Stopped();
      calls += 1;
      if (calls !== limit) return;
      killing = delay(random.next() * KILL_DELAY_MS).then(() => {
        isKilled = true;
        return daemon.kill();
      });
    };
    const open = stories.filter(({ isOver }) => !isOver);
    const next = (): ContainerStory | undefined => {
      const waiting = open.shift();
      if (waiting !== undefined || callLimit === NO_LIMIT) return waiting;
      const story = drawStory(`${namespace}-${stories.length}`, random);
      stories.push(story);
      return story;
    };
    const caller = async (): Promise<void> => {
      while (!isKilled) {
        const story = next();
        if (story === undefined) return;
        try {
          await lead(story, { client, namespace, rootfs, beforeCall });
        } catch (error) {
          if (isKilled) return;
          faults.push(`${story} failed while the daemon lived: ${error}`);
          for (const line of notable(daemon.log(), story.id)) say(line);
        }
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    await killing;
  };

  for (let kill = 1; kill <= options.kills && faults.length === 0; kill += 1) {
    await load(random.between(1, CALLS_BETWEEN_KILLS));
    for (const socket of await shimSockets(daemon.address)) sockets.add(socket);
    while (random.next() < EARLY_KILL_CHANCE) await daemon.restartAndKill(random.between(0, EARLY_KILL_DELAY_MS));
    daemon = await daemon.restart();
    await using client = connect({ address: daemon.address });
    const found = await checkStories(stories, { client, engine: daemon, namespace });
    for (const fault of found) faults.push(`after kill ${kill}: ${fault}`);
    const open = stories.filter(({ isOver }) => !isOver).length;
    say(
      `kill ${kill}: ${calls} calls, ${stories.length} containers, ${open} open${found.length > 0 ? `: ${found}` : ""}`,
    );
  }
  await load(NO_LIMIT);
  const ids = stories.map(({ id }) => id);
  faults.push(...(await settled("exits", () => exitFaults(dbPath, namespace, stories))));
  faults.push(...(await settled("leftovers", () => findLeftovers(daemon, namespace, ids))));
  for (const socket of await shimSockets(daemon.address)) sockets.add(socket);
  const { code } = await daemon.stop();
  if (code !== 0) faults.push(`the daemon ended with ${code}: ${daemon.log().slice(-LAST_WORDS)}`);
  faults.push(...(await settled("remains", () => findRemains(daemon, namespace, sockets))));
  const processes = stories.flatMap((story) => story.processes).filter(({ run }) => run.stage === "there").length;
  return { kills: options.kills, calls, containers: stories.length, processes, faults };
}

/** What a daemon said of a container beside its chatter. */
const notable = (log: string, id: string): string[] =>
  log.split("\n").filter((line) => line.includes(id) && !line.includes('"level":"debug"'));

/** Waits until nothing is wrong any more; what still is when patience ends is. A shim tells again what it could not tell for about 15 s. */
export async function settled(what: string, find: () => string[] | Promise<string[]>): Promise<string[]> {
  let found: string[] = [];
  const look = async (): Promise<boolean> => {
    found = await find();
    return found.length === 0;
  };
  await until(what, look).catch(() => undefined);
  return found;
}
