// Pushes into a real registry: what skopeo and the real containerd then find there, what is sent twice (nothing), and what
// becomes of a push that the registry does not want.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { onlyPlatforms } from "../../api/client/distribution/platform.js";
import { pull } from "../../api/client/distribution/pull.js";
import { push } from "../../api/client/distribution/push.js";
import { createRegistry, type RegistryClient } from "../../api/client/distribution/registry/registry.js";
import { connect } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { writeBlob } from "../../api/core/write-blob.js";
import { startContainerd } from "../helpers/containerd.js";
import { type Front, reply, startFront } from "../helpers/front.js";
import {
  LINUX_AMD64,
  LINUX_ARM64,
  noiseLayer,
  sha256,
  type TestImage,
  testImage,
  testIndex,
} from "../helpers/image.js";
import { runProgram } from "../helpers/program.js";
import { REGISTRY_USER, seedRegistry, startRegistry, type TestRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { type LocalStores, localStores } from "../helpers/stores.js";
import { freshNamespace } from "../helpers/temp.js";

describe.skipIf(requires.binary("docker-registry"))("a push", () => {
  const scope = new DisposeScope();
  let stores: LocalStores;
  let registry: TestRegistry;
  let front: Front;
  let client: RegistryClient;
  let index: TestImage;
  let count = 0;
  let repository: string;
  let ctx: { readonly namespace: string; readonly leaseId: string };

  beforeAll(async () => {
    stores = await localStores(scope);
    // Nothing else holds what the tests push.
    ctx = { namespace: "default", leaseId: (await stores.leases.create({ namespace: "default" }, {})).id };
    registry = await startRegistry(scope);
    client = scope.use(createRegistry({ credentials: async () => undefined }));
    const base = noiseLayer("base", 400_000);
    const other = noiseLayer("other", 2_000);
    index = testIndex([
      testImage([base, noiseLayer("amd", 1_000)]),
      testImage([base, other], { platform: LINUX_ARM64 }),
    ]);
    await store(index);
  });

  beforeEach(async () => {
    front = await startFront(scope, { target: registry.url });
    count += 1;
    repository = `team/pushed-${count}`;
  });

  afterAll(() => scope[Symbol.asyncDispose]());

  async function store(image: TestImage): Promise<void> {
    for (const { digest, sizeBytes, bytes } of image.blobs)
      await writeBlob(stores.content, ctx, { ref: digest, sizeBytes, expected: digest, bytes: () => [bytes] });
  }

  const reference = () => `${front.host}/${repository}:1`;
  const sent = () =>
    front.seen.filter(({ method }) => method !== "HEAD").map(({ method, url }) => `${method} ${url.split("?")[0]}`);

  test("brings all below an index, what is referred to first", async () => {
    await push(stores, ctx, reference(), index.target, { registry: client });
    const puts = front.seen.filter(({ method, url }) => method === "PUT" && url.includes("/manifests/"));
    expect(puts.at(-1)?.url).toBe(`/v2/${repository}/manifests/1`);
    const { stdout, stderr } = await runProgram("skopeo", [
      "inspect",
      "--raw",
      "--tls-verify=false",
      `docker://${reference()}`,
    ]);
    expect({ digest: sha256(Buffer.from(stdout)), stderr }).toEqual({ digest: index.target.digest, stderr: "" });
    const again = await runProgram("skopeo", [
      "inspect",
      "--tls-verify=false",
      "--override-arch=arm64",
      `docker://${reference()}`,
    ]);
    expect(JSON.parse(again.stdout)).toMatchObject({
      Architecture: "arm64",
      Layers: [expect.any(String), expect.any(String)],
    });
  });

  test("sends nothing that is there", async () => {
    await push(stores, ctx, reference(), index.target, { registry: client });
    front.seen.length = 0;
    const events: string[] = [];
    await push(stores, ctx, reference(), index.target, {
      registry: client,
      onProgress: ({ status }) => events.push(status),
    });
    expect(sent()).toEqual([]);
    expect(new Set(events)).toEqual(new Set(["waiting", "exists"]));
  });

  test("moves a tag", async () => {
    const [first, second] = [testImage([noiseLayer("one", 100)]), testImage([noiseLayer("two", 100)])];
    await store(first);
    await store(second);
    await push(stores, ctx, reference(), first.target, { registry: client });
    await push(stores, ctx, reference(), second.target, { registry: client });
    const { stdout } = await runProgram("skopeo", [
      "inspect",
      "--raw",
      "--tls-verify=false",
      `docker://${reference()}`,
    ]);
    expect(sha256(Buffer.from(stdout))).toBe(second.target.digest);
  });

  test("mounts what another repository of the registry has", async () => {
    const image = testImage([noiseLayer("mounted", 50_000)]);
    await seedRegistry(registry, "team/source", "1", image);
    await pull(stores, ctx, `${front.host}/team/source:1`, { registry: client });
    front.seen.length = 0;
    await push(stores, ctx, reference(), image.target, { registry: client });
    expect(sent()).toEqual([
      `POST /v2/${repository}/blobs/uploads/`,
      `POST /v2/${repository}/blobs/uploads/`,
      `PUT /v2/${repository}/manifests/1`,
    ]);
  });

  test("for one platform leaves out the layers of others", async () => {
    const [arm] = index.blobs.filter(
      ({ sizeBytes, mediaType }) => mediaType.includes("layer") && sizeBytes > 1_900 && sizeBytes < 3_000,
    );
    // A registry that checks refuses a manifest without its layers: what matters is what is sent up to then.
    await push(stores, ctx, reference(), index.target, {
      registry: client,
      platform: onlyPlatforms([LINUX_AMD64]),
    }).catch(() => {});
    expect(front.seen.some(({ url }) => arm !== undefined && url.includes(encodeURIComponent(arm.digest)))).toBe(false);
    expect(arm).toBeDefined();
  });

  test("of content that is missing fails before anything is tagged", async () => {
    const image = testImage([noiseLayer("absent", 100)]);
    await store({ ...image, blobs: image.blobs.slice(1) });
    await expect(push(stores, ctx, reference(), image.target, { registry: client })).rejects.toMatchObject({
      kind: "not_found",
    });
    expect(front.seen.filter(({ url }) => url.includes("/manifests/"))).toEqual([]);
  });

  test.each([401, 403, 413, 500])("that is answered with %i before it is sent ends at once", async (status) => {
    const image = testImage([noiseLayer("large", 20_000_000, "plain")]);
    await store(image);
    front.answer = (request, response, forward) => {
      if (request.method !== "PUT") return forward();
      const body = JSON.stringify({ errors: [{ code: "DENIED", message: "not wanted" }] });
      return reply(response, status, { connection: "close" }, body);
    };
    const kinds: Record<number, string> = {
      401: "unauthenticated",
      403: "permission_denied",
      413: "internal",
      500: "unavailable",
    };
    await expect(push(stores, ctx, reference(), image.target, { registry: client })).rejects.toMatchObject({
      kind: kinds[status],
    });
  });

  test("that the registry stored as something else fails", async () => {
    const image = testImage([noiseLayer("altered", 100)]);
    await store(image);
    front.answer = (request, response, forward) => {
      if (request.method !== "PUT") return forward();
      request.resume();
      return reply(response, 201, { "docker-content-digest": index.target.digest });
    };
    await expect(push(stores, ctx, reference(), image.target, { registry: client })).rejects.toMatchObject({
      kind: "failed_precondition",
    });
  });

  test("that is aborted ends", async () => {
    const image = testImage([noiseLayer("aborted", 5_000_000, "plain")]);
    await store(image);
    front.answer = (request, _response, forward) => (request.method === "PUT" ? undefined : forward());
    const ending = new AbortController();
    const onProgress = ({ status }: { readonly status: string }) =>
      status === "uploading" && ending.abort(new Error("enough"));
    const pushing = push(stores, { ...ctx, signal: ending.signal }, reference(), image.target, {
      registry: client,
      onProgress,
    });
    await expect(pushing).rejects.toThrow("enough");
  });

  test("with a password, then pulled by skopeo and by the real containerd", async () => {
    const locked = await startRegistry(scope, { needsPassword: true });
    await using knowing = createRegistry({ credentials: async () => REGISTRY_USER });
    const name = `${locked.host}/team/app:1`;
    await push(stores, ctx, name, index.target, { registry: knowing });
    const user = `${REGISTRY_USER.username}:${REGISTRY_USER.secret}`;
    const namespace = freshNamespace(scope);
    const containerd = await startContainerd(scope);
    const args = ["-a", containerd.address, "-n", namespace, "content", "fetch", "--plain-http", "--user", user, name];
    expect(await runProgram("ctr", args)).toMatchObject({ code: 0 });
    await using remote = connect({ address: containerd.address, namespace });
    expect((await remote.images.get({}, name)).target.digest).toBe(index.target.digest);
    const inspected = await runProgram("skopeo", [
      "inspect",
      "--tls-verify=false",
      "--creds",
      user,
      `docker://${name}`,
    ]);
    expect(inspected).toMatchObject({ code: 0 });
  });
});
