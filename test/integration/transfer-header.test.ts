// A whole Authorization header as credentials of a transfer: shown to the registry that asks, and to nobody else.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { failure } from "../conformance/failure.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { type Front, reply, startFront } from "../helpers/front.js";
import { noiseLayer, testImage } from "../helpers/image.js";
import { REGISTRY_USER, seedRegistry, startRegistry, type TestRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";
import { requireTokens } from "../helpers/token-server.js";

const lacking = requires.root() || requires.binary("docker-registry");
const KEY = "ApiKey very-secret-key";

describe.skipIf(lacking)("a whole header as credentials", () => {
  const scope = new DisposeScope();
  let daemon: Berthd;
  let client: Client;
  let ctx: { readonly namespace: string };
  let registry: TestRegistry;
  let front: Front;

  const image = testImage([noiseLayer("one", 3_000)]);

  beforeAll(async () => {
    daemon = await startBerthd(scope);
    client = scope.use(connect({ address: daemon.address }));
    registry = await startRegistry(scope);
    await seedRegistry(registry, "app", "1", image);
  });
  beforeEach(async () => {
    ctx = { namespace: freshNamespace(scope) };
    front = await startFront(scope, { target: registry.url });
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const pullAs = (header: string, host = front.host, tag = "1") =>
    client.transfer.pull(ctx, `${host}/app:${tag}`, { plainHttp: true, credentials: async () => ({ header }) });

  /** Lets in whoever shows `wanted`. */
  const lockWith = (wanted: string, challenge: string): void => {
    front.answer = (request, response, forward) => {
      if (request.headers.authorization === wanted) return forward();
      request.resume();
      return reply(response, 401, { "www-authenticate": challenge });
    };
  };
  const shown = (at: Front) => at.seen.map(({ headers }) => headers.authorization);

  test.each(['ApiKey realm="keys"', 'Basic realm="test"'])(
    "is shown as it is to who asks for %s",
    async (challenge) => {
      lockWith(KEY, challenge);
      await pullAs(KEY);
      expect(shown(front)[0]).toBeUndefined();
      expect(new Set(shown(front).slice(1))).toEqual(new Set([KEY]));
      expect(daemon.log()).not.toContain("very-secret");
    },
  );

  test("that a registry knows opens it, both ways", async () => {
    const locked = await startRegistry(scope, { needsPassword: true, dir: registry.dir });
    const { username, secret } = REGISTRY_USER;
    const header = `Basic ${Buffer.from(`${username}:${secret}`).toString("base64")}`;
    await pullAs(header, locked.host);
    const access = { plainHttp: true, credentials: async () => ({ header }) };
    await client.transfer.push(ctx, `${locked.host}/app:1`, `${locked.host}/copy:1`, access);
    expect(
      (await fetch(`${registry.url}/v2/copy/manifests/1`, { headers: { accept: image.target.mediaType } })).status,
    ).toBe(200);
  });

  test("goes neither to a token server nor to where a blob is redirected", async () => {
    // Namespaces share bytes, so what another test pulled would not be fetched.
    await seedRegistry(registry, "app", "redirected", testImage([noiseLayer("redirected", 3_000)]));
    const storage = await startFront(scope, { target: registry.url });
    const tokens = await requireTokens(scope, front);
    const ask = front.answer;
    front.answer = (request, response, forward) => {
      if (request.headers.authorization !== KEY) return ask(request, response, forward);
      if (!request.url?.includes("/blobs/")) return forward();
      request.resume();
      return reply(response, 307, { location: `${storage.url}${request.url}` });
    };
    await pullAs(KEY, front.host, "redirected");
    expect(tokens.asked).toEqual([]);
    expect(storage.seen.length).toBeGreaterThan(0);
    expect(shown(storage).filter((header) => header !== undefined)).toEqual([]);
  });

  test("that is refused is not told, nor tried again and again", async () => {
    lockWith("ApiKey another", 'ApiKey realm="keys"');
    const said = await failure(pullAs(KEY));
    expect(said).toMatch(/^unauthenticated: /);
    expect(said).not.toContain("very-secret");
    // The head and the body that says why, each refused once without and once with it at most.
    expect(front.seen.length).toBeLessThanOrEqual(4);
    expect(daemon.log()).not.toContain("very-secret");
  });

  test.each(["very-secret\r\nx-more: 1", "very-secret\u0000", "very-sécret"])("%j is no header", async (header) => {
    lockWith(KEY, 'ApiKey realm="keys"');
    const said = await failure(pullAs(header));
    expect(said).toMatch(/^invalid_argument: /);
    expect(said).not.toContain("very-s");
    expect(shown(front).every((each) => each === undefined)).toBe(true);
  });

  test("that is empty is none", async () => {
    lockWith(KEY, 'Basic realm="test"');
    expect(await failure(pullAs(""))).toMatch(/no basic auth credentials/);
  });
});
