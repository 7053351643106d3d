// A registry that misbehaves: what the client makes of redirects, missing headers, cut connections, lies and refusals.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { pull } from "../../api/client/distribution/pull.js";
import { createRegistry, type RegistryClient } from "../../api/client/distribution/registry/registry.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { parseReference } from "../../api/core/reference.js";
import { type Front, reply, startFront } from "../helpers/front.js";
import { noiseLayer, sha256, type TestImage, type TestLayer, testImage } from "../helpers/image.js";
import { seedRegistry, startRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { type LocalStores, localStores } from "../helpers/stores.js";

const BIG_BYTES = 3_000_000;

describe.skipIf(requires.binary("docker-registry"))("a registry that misbehaves", () => {
  const scope = new DisposeScope();
  let front: Front;
  let elsewhere: Front;
  let client: RegistryClient;
  let stores: LocalStores;
  let image: TestImage;
  let layer: TestLayer;
  let count = 0;
  let ctx: { readonly namespace: string };

  beforeAll(async () => {
    const registry = await startRegistry(scope);
    layer = noiseLayer("noise", BIG_BYTES);
    image = testImage([layer]);
    await seedRegistry(registry, "team/app", "1", image);
    front = await startFront(scope, { target: registry.url });
    elsewhere = await startFront(scope, { target: registry.url });
    // Each test has a namespace of its own and must fetch for itself.
    stores = await localStores(scope, { contentSharing: "isolated" });
    client = scope.use(
      createRegistry({ credentials: async () => ({ username: "u", secret: "hush" }), idleTimeoutMs: 500 }),
    );
  });

  beforeEach(() => {
    for (const each of [front, elsewhere]) {
      each.answer = (_request, _response, forward) => forward();
      each.seen.length = 0;
    }
    count += 1;
    ctx = { namespace: `n${count}` };
  });

  afterAll(() => scope[Symbol.asyncDispose]());

  const reference = () => parseReference(`${front.host}/team/app:1`);
  const pulled = () => pull(stores, ctx, reference().text, { registry: client });
  const isBlob = (url: string | undefined) => url?.includes(`/blobs/${layer.digest}`) === true;

  /** No image; then a good registry is enough, and no lease stays. */
  async function expectNothingSpoiled() {
    expect(await stores.images.list(ctx)).toEqual([]);
    front.answer = (_request, _response, forward) => forward();
    await pulled();
    expect(await stores.leases.list(ctx)).toEqual([]);
    expect((await stores.content.info(ctx, layer.digest)).sizeBytes).toBe(layer.sizeBytes);
  }

  test.each<[string, (method: string, headers: Record<string, unknown>) => number | undefined]>([
    ["answers HEAD with 405", (method) => (method === "HEAD" ? 405 : undefined)],
    ["does not tell the digest", (_method, headers) => void delete headers["docker-content-digest"]],
    ["does not tell the size", (_method, headers) => void delete headers["content-length"]],
  ])("resolves when it %s", async (_what, change) => {
    front.answer = async (request, response) => {
      const { target } = image;
      const headers: Record<string, string> = {
        "content-type": `${target.mediaType}; charset=utf-8`,
        "docker-content-digest": target.digest,
        "content-length": String(target.sizeBytes),
      };
      const status = change(request.method ?? "", headers) ?? 200;
      response.writeHead(status, status === 200 ? headers : {});
      response.end(request.method === "GET" ? target.bytes : undefined);
    };
    const { mediaType, digest, sizeBytes } = image.target;
    expect(await client.resolve(reference())).toEqual({ mediaType, digest, sizeBytes, annotations: {} });
  });

  test("a redirect to another host is followed, and that host is not shown who is asking", async () => {
    let asked = 0;
    front.answer = (request, response, forward) => {
      asked += 1;
      if (asked === 1) return reply(response, 401, { "www-authenticate": 'Basic realm="r"' });
      delete request.headers.authorization;
      return isBlob(request.url) ? reply(response, 307, { location: `${elsewhere.url}${request.url}` }) : forward();
    };
    await pulled();
    expect(elsewhere.seen.map(({ url }) => url)).toEqual([expect.stringContaining(layer.digest)]);
    expect(elsewhere.seen[0]?.headers.authorization).toBeUndefined();
    expect(front.seen.at(-1)?.headers.authorization).toMatch(/^Basic /);
  });

  test("a challenge by a host that was redirected to is not answered", async () => {
    const thief = await startFront(scope, {
      answer: (_request, response) => reply(response, 200, {}, '{"token":"t"}'),
    });
    elsewhere.answer = (_request, response) =>
      reply(response, 401, { "www-authenticate": `Bearer realm="${thief.url}/token",service="s"` });
    front.answer = (request, response, forward) =>
      isBlob(request.url) ? reply(response, 307, { location: `${elsewhere.url}/blob` }) : forward();
    await expect(pulled()).rejects.toMatchObject({ kind: "unauthenticated" });
    expect(thief.seen).toEqual([]);
    await expectNothingSpoiled();
  });

  test("redirects in a circle end", async () => {
    front.answer = (request, response) => reply(response, 302, { location: request.url ?? "" });
    await expect(client.resolve(reference())).rejects.toMatchObject({ kind: "unavailable" });
  });

  test("a connection that is cut is taken up where it ended", async () => {
    const ranges: (string | undefined)[] = [];
    front.answer = (request, response, forward) => {
      if (!isBlob(request.url)) return forward();
      ranges.push(request.headers.range);
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      if (ranges.length > 2) return forward();
      response.writeHead(from === 0 ? 200 : 206, {
        "content-length": String(layer.sizeBytes - from),
        ...(from > 0 && { "content-range": `bytes ${from}-${layer.sizeBytes - 1}/${layer.sizeBytes}` }),
      });
      response.write(layer.bytes.subarray(from, from + 1_000_000), () => response.destroy());
    };
    await pulled();
    const starts = ranges.map((range) => Number(/bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0));
    expect(starts).toHaveLength(3);
    expect(starts[0]).toBe(0);
    expect(starts[1]).toBeGreaterThan(0);
    expect(starts[2]).toBeGreaterThan(starts[1] ?? 0);
    expect((await stores.content.info(ctx, layer.digest)).sizeBytes).toBe(layer.sizeBytes);
  });

  test("a host that ignores ranges is read from the start again, what is there is passed over", async () => {
    let tries = 0;
    front.answer = (request, response, forward) => {
      if (!isBlob(request.url)) return forward();
      tries += 1;
      response.writeHead(200, { "content-length": String(layer.sizeBytes) });
      if (tries > 1) return response.end(layer.bytes);
      return response.write(layer.bytes.subarray(0, 1_500_000), () => response.destroy());
    };
    await pulled();
    expect(tries).toBe(2);
  });

  test("a part that was not asked for is refused", async () => {
    let tries = 0;
    front.answer = (request, response, forward) => {
      if (!isBlob(request.url)) return forward();
      tries += 1;
      if (tries > 1) {
        const { sizeBytes } = layer;
        response.writeHead(206, { "content-range": `bytes 7-${sizeBytes - 1}/${sizeBytes}` });
        return response.end(layer.bytes.subarray(7));
      }
      response.writeHead(200, { "content-length": String(layer.sizeBytes) });
      return response.write(layer.bytes.subarray(0, 1_500_000), () => response.destroy());
    };
    await expect(pulled()).rejects.toMatchObject({ kind: "unavailable", message: expect.stringContaining("bytes 7-") });
    await expectNothingSpoiled();
  });

  test("a body that stands still counts as cut", async () => {
    let tries = 0;
    front.answer = (request, response, forward) => {
      if (!isBlob(request.url)) return forward();
      tries += 1;
      if (tries > 1) return forward();
      response.writeHead(200, { "content-length": String(layer.sizeBytes) });
      return response.write(layer.bytes.subarray(0, 1_000_000));
    };
    await pulled();
    expect(front.seen.at(-1)?.headers.range).toMatch(/^bytes=\d+-$/);
  });

  test.each([408, 429, 500, 502, 503, 504])("status %i is worth another try", async (status) => {
    const refused = new Set<string>();
    front.answer = (request, response, forward) => {
      const key = `${request.method} ${request.url}`;
      if (refused.has(key)) return forward();
      refused.add(key);
      return reply(response, status, { "retry-after": "0" });
    };
    await pulled();
    expect(front.seen.length).toBe(refused.size * 2);
  });

  test.each([
    [429, "resource_exhausted"],
    [503, "unavailable"],
    [403, "permission_denied"],
    [404, "not_found"],
    [418, "internal"],
  ])("status %i for good is an error of kind %s", async (status, kind) => {
    front.answer = (_request, response) =>
      reply(
        response,
        status,
        { "content-type": "application/json" },
        '{"errors":[{"code":"DENIED","message":"no luck"}]}',
      );
    await expect(client.resolve(reference())).rejects.toMatchObject({ kind });
    expect(front.seen.length).toBeLessThan(8);
  });

  test("other bytes than promised become no blob, and do not spoil the next try", async () => {
    const wrong = Buffer.from(layer.bytes).fill(1, 5, 50);
    front.answer = (request, response, forward) =>
      isBlob(request.url) ? reply(response, 200, { "content-length": String(wrong.length) }, wrong) : forward();
    await expect(pulled()).rejects.toMatchObject({ kind: "failed_precondition" });
    expect(await stores.content.listStatuses(ctx)).toEqual([]);
    await expectNothingSpoiled();
  });

  test("a part with wrong bytes from an earlier try is fetched again", async () => {
    const ref = `layer-${layer.digest}`;
    {
      await using writer = await stores.content.openWriter(ctx, { ref, totalBytes: layer.sizeBytes });
      await writer.write(Buffer.alloc(1_000_000, 7));
    }
    await pulled();
    const blobs = front.seen.filter(({ url }) => isBlob(url));
    expect(blobs.map(({ headers }) => headers.range)).toEqual(["bytes=1000000-", undefined]);
  });

  test("a longer body than promised is refused", async () => {
    front.answer = (request, response, forward) =>
      isBlob(request.url) ? reply(response, 200, {}, Buffer.concat([layer.bytes, Buffer.alloc(100)])) : forward();
    await expect(pulled()).rejects.toMatchObject({ kind: "failed_precondition" });
    await expectNothingSpoiled();
  });

  test.each(["HEAD", "GET"])("a huge manifest is refused (%s)", async (method) => {
    front.answer = (request, response) => {
      if (request.method !== method) return reply(response, 405);
      response.writeHead(200, {
        "content-type": image.target.mediaType,
        "docker-content-digest": image.target.digest,
        ...(method === "HEAD" && { "content-length": "5000000" }),
      });
      return response.end(method === "HEAD" ? undefined : Buffer.alloc(5_000_000, 32));
    };
    await expect(client.resolve(reference())).rejects.toMatchObject({
      kind: "failed_precondition",
      message: expect.stringContaining("4400000"),
    });
  });

  test("schema 1 is refused with a word on what to do", async () => {
    const bytes = Buffer.from('{"schemaVersion":1,"fsLayers":[]}');
    front.answer = (_request, response) =>
      reply(
        response,
        200,
        {
          "content-type": "application/vnd.docker.distribution.manifest.v1+prettyjws",
          "docker-content-digest": sha256(bytes),
          "content-length": String(bytes.length),
        },
        bytes,
      );
    await expect(pulled()).rejects.toMatchObject({
      kind: "not_implemented",
      message: expect.stringMatching(/schema 1/),
    });
    expect(await stores.images.list(ctx)).toEqual([]);
  });

  test("another digest than asked for is refused", async () => {
    const other = parseReference(`${front.host}/team/app@${sha256(Buffer.from("other"))}`);
    front.answer = (_request, response) =>
      reply(
        response,
        200,
        { "content-type": image.target.mediaType, "docker-content-digest": image.target.digest },
        image.target.bytes,
      );
    await expect(client.resolve(other)).rejects.toMatchObject({ kind: "failed_precondition" });
  });

  test("what is there is not fetched again", async () => {
    await pulled();
    front.seen.length = 0;
    await pulled();
    expect(front.seen.map(({ method }) => method)).toEqual(["HEAD"]);
  });

  test("several pulls of one image at a time fetch each object once", async () => {
    await Promise.all([pulled(), pulled(), pulled()]);
    expect(front.seen.filter(({ method, url }) => method === "GET" && isBlob(url))).toHaveLength(1);
    expect(await stores.leases.list(ctx)).toEqual([]);
  });

  test("a pull that is aborted leaves no image, and the next goes on where it ended", async () => {
    const ending = new AbortController();
    front.answer = (request, response, forward) => {
      if (!isBlob(request.url)) return forward();
      response.writeHead(200, { "content-length": String(layer.sizeBytes) });
      return response.write(layer.bytes.subarray(0, 2_000_000));
    };
    const onProgress = ({ doneBytes = 0 }) => doneBytes > 1_500_000 && ending.abort(new Error("enough"));
    const pulling = pull(stores, { ...ctx, signal: ending.signal }, reference().text, { registry: client, onProgress });
    await expect(pulling).rejects.toThrow("enough");
    expect(await stores.images.list(ctx)).toEqual([]);
    front.answer = (_request, _response, forward) => forward();
    front.seen.length = 0;
    await pulled();
    expect(await stores.leases.list(ctx)).toEqual([]);
    const [again] = front.seen.filter(({ url }) => isBlob(url));
    expect(Number(/bytes=(\d+)-/.exec(again?.headers.range ?? "")?.[1])).toBeGreaterThan(1_000_000);
  });
});
