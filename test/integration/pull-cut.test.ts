// Pulls that are cut: by the end of the registry, of the daemon, of the caller's patience. The next one goes on where they ended.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { pull } from "../../api/client/distribution/pull.js";
import { createRegistry } from "../../api/client/distribution/registry/registry.js";
import { type Client, connect } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { startBerthd } from "../helpers/daemon.js";
import { type Front, startFront } from "../helpers/front.js";
import { noiseLayer, type TestImage, type TestLayer, testImage } from "../helpers/image.js";
import { seedRegistry, startRegistry, type TestRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { PATIENCE_MS, until } from "../helpers/until.js";

const BIG_BYTES = 6_000_000;
const CUT_BYTES = 4_000_000;
const ctx = { namespace: "default" };

/** Where a download begins. */
const startOf = (range: string | undefined): number => Number(/bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0);

describe.skipIf(requires.binary("docker-registry"))("a pull that is cut", () => {
  const shared = new DisposeScope();
  let layers: readonly TestLayer[];
  let image: TestImage;
  let registry: TestRegistry;
  let scope: DisposeScope;
  let front: Front;

  beforeAll(async () => {
    layers = [noiseLayer("one", BIG_BYTES, "plain"), noiseLayer("two", 300_000), noiseLayer("three", 300_000)];
    image = testImage(layers);
    registry = await startRegistry(shared);
    await seedRegistry(registry, "team/app", "1", image);
  });

  beforeEach(async () => {
    scope = new DisposeScope();
    front = await startFront(scope, { target: registry.url });
  });

  afterEach(() => scope[Symbol.asyncDispose]());
  afterAll(() => shared[Symbol.asyncDispose]());

  const isBig = (url: string | undefined) => layers[0] !== undefined && url?.endsWith(layers[0].digest) === true;
  const reference = () => `${front.host}/team/app:1`;

  async function pulled(client: Client, signal?: AbortSignal) {
    await using source = createRegistry({ credentials: async () => undefined });
    return await pull(client, { ...ctx, signal }, reference(), { registry: source });
  }

  /** From now on the big layer stops in the middle of its way. */
  function stall(): void {
    front.answer = (request, response, forward) => {
      const [big] = layers;
      if (big === undefined || !isBig(request.url)) return forward();
      response.writeHead(200, { "content-length": String(big.sizeBytes) });
      return response.write(big.bytes.subarray(0, CUT_BYTES));
    };
  }

  const hasPart = (client: Client) =>
    until("a part of the layer to be there", async () => {
      const statuses = await client.content.listStatuses(ctx);
      return statuses.some(({ offsetBytes }) => offsetBytes >= CUT_BYTES / 2);
    });

  /** Nothing but the big layer is under way, and of that nothing comes: who waits for it asks the daemon nothing. */
  const isQuiet = (client: Client) =>
    until("everything else to be there", async () => {
      const rest = image.blobs.filter(({ digest }) => digest !== layers[0]?.digest);
      const known = await Promise.allSettled(rest.map(({ digest }) => client.content.info(ctx, digest)));
      const statuses = await client.content.listStatuses(ctx);
      return statuses.length === 1 && known.every(({ status }) => status === "fulfilled");
    });

  /** The pull that follows fetches the rest of the big layer, and of the others nothing that is there. */
  async function expectRest(client: Client): Promise<void> {
    expect(await client.images.list(ctx)).toEqual([]);
    const there: string[] = [];
    for await (const page of client.content.list(ctx)) there.push(...page.map(({ digest }) => digest));
    front.seen.length = 0;
    front.answer = (_request, _response, forward) => forward();
    await pulled(client);
    const gets = front.seen.filter(({ method }) => method === "GET");
    expect(gets.filter(({ url }) => there.some((digest) => url.endsWith(digest)))).toEqual([]);
    const [rest] = gets.filter(({ url }) => isBig(url));
    expect(startOf(rest?.headers.range)).toBeGreaterThanOrEqual(CUT_BYTES / 2);
    for (const { digest, sizeBytes } of image.blobs)
      expect((await client.content.info(ctx, digest)).sizeBytes).toBe(sizeBytes);
    expect(await client.content.listStatuses(ctx)).toEqual([]);
    expect(await client.leases.list(ctx)).toEqual([]);
  }

  test("by its caller", async () => {
    const daemon = await startBerthd(scope);
    const client = scope.use(connect({ address: daemon.address }));
    stall();
    const ending = new AbortController();
    const pulling = pulled(client, ending.signal);
    const failing = expect(pulling).rejects.toThrow("enough");
    await hasPart(client);
    ending.abort(new Error("enough"));
    await failing;
    expect(await client.leases.list(ctx)).toMatchObject([
      { labels: { "berth.io/pull.unfinished": reference(), "containerd.io/gc.expire": expect.any(String) } },
    ]);
    // What nothing holds is collected now.
    await client.collector.collect();
    await expectRest(client);
  });

  test("by kill -9 of the daemon", async () => {
    const daemon = await startBerthd(scope);
    const client = scope.use(connect({ address: daemon.address }));
    stall();
    const failing = expect(pulled(client)).rejects.toMatchObject({ kind: "unavailable" });
    await hasPart(client);
    await isQuiet(client);
    await daemon.kill();
    await failing;
    await daemon.restart();
    await client.ready({ timeoutMs: PATIENCE_MS });
    // Nobody could take the lease of the pull away; it holds what was brought until it ends by itself.
    expect(await client.leases.list(ctx)).toMatchObject([
      { labels: { "containerd.io/gc.expire": expect.any(String) } },
    ]);
    front.seen.length = 0;
    front.answer = (_request, _response, forward) => forward();
    await pulled(client);
    const [rest] = front.seen.filter(({ method, url }) => method === "GET" && isBig(url));
    expect(startOf(rest?.headers.range)).toBeGreaterThanOrEqual(CUT_BYTES / 2);
  });

  test("by kill -9 of the registry", async () => {
    const daemon = await startBerthd(scope);
    const client = scope.use(connect({ address: daemon.address }));
    const own = await startRegistry(scope, { dir: registry.dir });
    front.answer = (request, response, forward) => {
      const [big] = layers;
      if (big === undefined || !isBig(request.url)) return forward();
      if (startOf(request.headers.range) > 0) return response.destroy();
      response.writeHead(200, { "content-length": String(big.sizeBytes) });
      return response.write(big.bytes.subarray(0, CUT_BYTES), () => void own.kill().then(() => response.destroy()));
    };
    await expect(pulled(client)).rejects.toMatchObject({ kind: "unavailable" });
    await expectRest(client);
  });

  test("with one download at a time, nothing waits for itself", async () => {
    const daemon = await startBerthd(scope);
    const client = scope.use(connect({ address: daemon.address }));
    let [open, most] = [0, 0];
    front.answer = (request, response, forward) => {
      if (request.method === "GET") {
        open += 1;
        most = Math.max(most, open);
        response.on("close", () => {
          open -= 1;
        });
      }
      forward();
    };
    await using source = createRegistry({ credentials: async () => undefined });
    await pull(client, ctx, reference(), { registry: source, maxConcurrent: 1 });
    expect(most).toBe(1);
  });
});
