// kill -9 amid many creations, commits and removals: what was answered is there, and rows and folders agree again by themselves.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { isUnavailable } from "../../api/core/errors.js";
import { SNAPSHOTTERS } from "../conformance/snapshot-store.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { requires } from "../helpers/requires.js";
import { PATIENCE_MS, until } from "../helpers/until.js";

const ROUNDS = 3;
const WORKERS = 6;
/** Kept from the collector, which takes what nothing refers to. */
const LABELS = { "containerd.io/gc.root": "x" };

describe.skipIf(requires.root()).each(SNAPSHOTTERS)("a crash amid snapshots on %s", (snapshotter) => {
  const ctx = { namespace: "bt-crash" };
  let scope: DisposeScope;
  let daemon: Berthd;
  let client: Client;

  beforeEach(async () => {
    scope = new DisposeScope();
    daemon = await startBerthd(scope);
    client = scope.use(connect({ address: daemon.address }));
  });
  afterEach(() => scope[Symbol.asyncDispose]());

  const store = () => client.snapshots.get(snapshotter);
  const folders = () => readdir(join(daemon.rootDir, `io.containerd.snapshotter.v1.${snapshotter}`, "snapshots"));
  async function records(): Promise<string[]> {
    const names: string[] = [];
    for await (const page of store().list(ctx)) names.push(...page.map(({ name }) => name));
    return names;
  }

  /** Makes layers one on the other, with a removal now and then, until the daemon is gone. Tells what it was answered. */
  async function work(prefix: string, answered: { there: Set<string>; gone: Set<string> }): Promise<void> {
    let parent = "base";
    for (let index = 0; ; index++) {
      const [key, name] = [`${prefix}-key${index}`, `${prefix}-${index}`];
      await store().prepare(ctx, key, { parent, labels: LABELS });
      if (index % 3 === 0) {
        await store().remove(ctx, key);
        answered.gone.add(key);
        continue;
      }
      await store().commit(ctx, name, key, { labels: LABELS });
      answered.there.add(name);
      answered.gone.add(key);
      parent = name;
    }
  }

  test("leaves what was answered, and no folder without a record", async () => {
    await store().prepare(ctx, "key", { labels: LABELS });
    await store().commit(ctx, "base", "key", { labels: LABELS });
    for (let round = 0; round < ROUNDS; round++) {
      const answered = { there: new Set<string>(), gone: new Set<string>() };
      const working = Promise.allSettled(
        Array.from({ length: WORKERS }, (_, index) => work(`r${round}w${index}`, answered)),
      );
      await until("some work to be done", () => answered.gone.size > 10 + 7 * round);
      await daemon.kill();
      for (const end of await working) {
        if (end.status === "rejected" && !isUnavailable(end.reason)) throw end.reason;
      }
      daemon = await daemon.restart();
      await client.ready({ timeoutMs: PATIENCE_MS });
      const names = new Set(await records());
      expect([...answered.there].filter((name) => !names.has(name))).toEqual([]);
      expect([...answered.gone].filter((name) => names.has(name))).toEqual([]);
      await until("rows and folders to agree", async () => (await folders()).length === (await records()).length);
      expect((await folders()).filter((name) => !/^\d+$/.test(name))).toEqual([]);
      for await (const page of store().list(ctx, ["kind==active"])) {
        for (const { name } of page) {
          for (const { source, options } of await store().mounts(ctx, name)) {
            const upper = options.find((option) => option.startsWith("upperdir="))?.slice("upperdir=".length);
            expect((await stat(upper ?? source)).isDirectory()).toBe(true);
          }
        }
      }
    }
  }, 120_000);
});
