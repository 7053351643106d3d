// A hundred containers started at once: every exit status and every output is the right one, and nothing is left of any of them.

import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { launch } from "../helpers/launch.js";
import { findLeftovers } from "../helpers/leftovers.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const COUNT = 100;
const lacking = requires.root() || requires.binary("containerd-shim-runc-v2") || requires.binary("runc");

describe.skipIf(lacking)("many containers", () => {
  const scope = new DisposeScope();
  let engine: Engine;
  let client: Client;
  let namespace: string;
  let rootfs: string;

  beforeAll(async () => {
    namespace = freshNamespace(scope);
    rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
    engine = await startBerthd(scope);
    client = scope.use(connect({ address: engine.address }));
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  test(`${COUNT} at once, each with its own status and output`, async () => {
    // The namespace in the ids makes pipes on this host recognisable.
    const numbers = Array.from({ length: COUNT }, (_, index) => index);
    const idOf = (number: number): string => `${namespace}-${number}`;
    const run = async (number: number): Promise<string> => {
      const script = `echo out-${number}; echo err-${number} >&2; exit ${number % 200}`;
      const container = await launch({ client, namespace, id: idOf(number), rootfs, args: ["/bin/sh", "-c", script] });
      const { stdout, stderr } = container.streams;
      if (stdout === undefined || stderr === undefined) throw new Error("no output");
      const [out, err, exit] = await Promise.all([text(stdout), text(stderr), container.exit]);
      const deleted = await container.remove();
      return `${out.trim()} ${err.trim()} ${exit.exitStatus} ${deleted.exitStatus}`;
    };

    const told = await Promise.all(numbers.map(run));

    expect(told).toEqual(numbers.map((number) => `out-${number} err-${number} ${number % 200} ${number % 200}`));
    expect(await client.tasks.list({ namespace })).toEqual([]);
    expect(await client.containers.list({ namespace })).toEqual([]);
    let left: string[] = [];
    await until("nothing to be left", async () => {
      left = await findLeftovers(engine, namespace, numbers.map(idOf));
      return left.length === 0;
    }).catch(() => undefined);
    expect(left).toEqual([]);
  }, 180_000);
});
