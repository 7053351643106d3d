// Getting in: passwords, tokens and where they come from, and that none of them is ever told.
import { chmod, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { CredentialSource } from "../../api/client/distribution/registry/authorizer.js";
import { createRegistry } from "../../api/client/distribution/registry/registry.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { parseReference } from "../../api/core/reference.js";
import { type Front, reply, startFront } from "../helpers/front.js";
import { noiseLayer, type TestImage, testImage } from "../helpers/image.js";
import { REGISTRY_USER, seedRegistry, startRegistry, type TestRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";
import { requireTokens, type Tokens } from "../helpers/token-server.js";

const nobody: CredentialSource = async () => undefined;
const keeper: CredentialSource = async () => REGISTRY_USER;

/** Everything an error holds, causes included. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.stack} ${JSON.stringify(error)} ${wordsOf(error.cause)}`;
}

/** What it fails with; the test fails when it does not. */
async function failureOf(work: Promise<unknown>): Promise<Error & { readonly kind?: string }> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("it did not fail");
}

describe.skipIf(requires.binary("docker-registry"))("getting in", () => {
  const scope = new DisposeScope();
  let image: TestImage;
  let locked: TestRegistry;
  let front: Front;
  let tokens: Tokens;
  let open: TestRegistry;

  beforeAll(async () => {
    image = testImage([noiseLayer("noise", 1_000)]);
    open = await startRegistry(scope);
    await seedRegistry(open, "team/app", "1", image);
    // The same folder, so the locked one has the image too.
    locked = await startRegistry(scope, { needsPassword: true, dir: open.dir });
  });

  beforeEach(async () => {
    front = await startFront(scope, { target: open.url });
    tokens = await requireTokens(scope, front);
  });

  afterEach(() => vi.unstubAllEnvs());
  afterAll(() => scope[Symbol.asyncDispose]());

  async function resolve(host: string, credentials?: CredentialSource) {
    await using client = createRegistry({ credentials });
    return await client.resolve(parseReference(`${host}/team/app:1`));
  }

  test("a password is shown to a registry that asks for one", async () => {
    expect((await resolve(locked.host, keeper)).digest).toBe(image.target.digest);
  });

  test.each<[string, CredentialSource, RegExp]>([
    ["without any", nobody, /no basic auth credentials/],
    ["with a wrong one", async () => ({ username: "keeper", secret: "hush-hush" }), /pull access denied/],
  ])("%s it is refused, and the password is not told", async (_what, credentials, words) => {
    const error = await failureOf(resolve(locked.host, credentials));
    expect(error).toMatchObject({ kind: "unauthenticated", message: expect.stringMatching(words) });
    expect(wordsOf(error)).not.toMatch(/hush-hush|a2VlcGVy/);
  });

  test("a token is asked for by form, for what the request needs", async () => {
    await resolve(front.host, keeper);
    expect(tokens.asked.map(({ method, parameters }) => [method, Object.fromEntries(parameters)])).toEqual([
      [
        "POST",
        {
          grant_type: "password",
          client_id: "containerd-client",
          service: "the registry",
          scope: "repository:team/app:pull",
          username: "keeper",
          password: "correct horse",
        },
      ],
    ]);
  });

  test.each([400, 401, 404, 405])("a token server that answers forms with %i is asked by address", async (status) => {
    tokens.formStatus = status;
    await resolve(front.host, keeper);
    expect(tokens.asked.map(({ method }) => method)).toEqual(["POST", "GET"]);
    expect(tokens.asked[1]?.parameters.toString()).toBe("service=the+registry&scope=repository%3Ateam%2Fapp%3Apull");
    expect(tokens.asked[1]?.authorization).toBe(`Basic ${Buffer.from("keeper:correct horse").toString("base64")}`);
  });

  test("a refresh token is exchanged, nobody asks for nothing in particular", async () => {
    await resolve(front.host, async () => ({ username: "", secret: "refresh-me" }));
    expect(Object.fromEntries(tokens.asked[0]?.parameters ?? [])).toMatchObject({
      grant_type: "refresh_token",
      refresh_token: "refresh-me",
    });
    await resolve(front.host, nobody);
    expect(tokens.asked[1]).toMatchObject({ method: "GET", authorization: undefined });
  });

  test("a token is used until it ends or is refused; those who need the same share it", async () => {
    await using client = createRegistry({ credentials: keeper });
    const reference = parseReference(`${front.host}/team/app:1`);
    await client.resolve(reference);
    await Promise.all([client.resolve(reference), client.resolve(reference), client.resolve(reference)]);
    expect(tokens.asked).toHaveLength(1);
    tokens.revoke();
    await client.resolve(reference);
    expect(tokens.asked).toHaveLength(2);
    tokens.revoke();
    tokens.lifeS = 1;
    await client.resolve(reference);
    await client.resolve(reference);
    expect(tokens.asked).toHaveLength(4);
  });

  test("a push asks to push", async () => {
    await using client = createRegistry({ credentials: keeper });
    const pusher = client.pusher(parseReference(`${front.host}/team/app:1`), image.target);
    const bytes = async function* () {
      yield image.target.bytes;
    };
    await pusher.push(image.target, { bytes, mountFrom: [] });
    expect(tokens.asked[0]?.parameters.get("scope")).toBe("repository:team/app:pull repository:team/app:pull,push");
  });

  test("what a registry says about a token is passed on, but not the token", async () => {
    tokens.problem = "insufficient_scope";
    const error = await failureOf(resolve(front.host, keeper));
    expect(error).toMatchObject({
      kind: "unauthenticated",
      message: expect.stringMatching(/^server message: insufficient_scope/),
    });
    expect(wordsOf(error)).not.toMatch(/correct horse|token-\d/);
  });

  test.each([
    ["nothing", 200, ""],
    ["no token", 200, '{"hush-hush":1}'],
    ["a token of control characters", 200, '{"token":"hush-hush\\r\\nx: y"}'],
    ["a refusal", 403, "hush-hush"],
  ])("a token server that answers with %s is reported without its words", async (_what, status, body) => {
    const server = await startFront(scope, { answer: (_request, response) => reply(response, status, {}, body) });
    front.answer = (_request, response) =>
      reply(response, 401, { "www-authenticate": `Bearer realm="${server.url}/t?secret=hush-hush"` });
    const error = await failureOf(resolve(front.host, keeper));
    expect(error).toMatchObject({
      kind: "unauthenticated",
      message: expect.stringMatching(/failed to fetch oauth token/),
    });
    expect(wordsOf(error)).not.toMatch(/hush-hush|correct horse/);
  });

  describe("with Docker's configuration", () => {
    let folder: string;

    beforeEach(async () => {
      folder = await tempDir(scope);
      vi.stubEnv("DOCKER_CONFIG", folder);
    });

    const configure = (config: unknown) => writeFile(join(folder, "config.json"), JSON.stringify(config));

    /** A program that speaks as credential helpers do, and notes what it was asked. */
    async function helper(name: string, script: string): Promise<void> {
      const file = join(folder, `docker-credential-${name}`);
      await writeFile(file, `#!/bin/sh\nread -r host\necho "$1 $host" >> "$0.asked"\n${script}\n`);
      await chmod(file, 0o755);
      vi.stubEnv("PATH", `${folder}${delimiter}${process.env["PATH"]}`);
    }

    const auth = Buffer.from("keeper:correct horse").toString("base64");

    test.each<[string, (host: string) => unknown]>([
      ["by host", (host) => ({ auths: { [host]: { auth } } })],
      ["by address", (host) => ({ auths: { [`http://${host}/v2/`]: { auth } }, credHelpers: null })],
      ["in plain", (host) => ({ auths: { [host]: { username: "keeper", password: "correct horse" } } })],
    ])("credentials are found %s", async (_what, config) => {
      await configure(config(locked.host));
      expect((await resolve(locked.host)).digest).toBe(image.target.digest);
    });

    test("an identity token is a refresh token", async () => {
      await configure({ auths: { [front.host]: { auth, identitytoken: "refresh-me" } } });
      await resolve(front.host);
      expect(tokens.asked[0]?.parameters.get("refresh_token")).toBe("refresh-me");
    });

    test.each<[string, (host: string) => unknown]>([
      ["of one host", (host) => ({ credHelpers: { [host]: "test" } })],
      ["of all hosts", () => ({ credsStore: "test" })],
    ])("a helper %s is asked", async (_what, config) => {
      await helper("test", `echo '{"ServerURL":"","Username":"keeper","Secret":"correct horse"}'`);
      await configure(config(locked.host));
      expect((await resolve(locked.host)).digest).toBe(image.target.digest);
      expect(await readFile(join(folder, "docker-credential-test.asked"), "utf8")).toBe(`get ${locked.host}\n`);
    });

    test("a helper that knows none is no failure, one that fails is, and its words are not told", async () => {
      await configure({ credsStore: "test" });
      await helper("test", "echo 'credentials not found in native keychain'; exit 1");
      expect((await failureOf(resolve(locked.host))).message).toMatch(/no basic auth credentials/);
      await helper("test", "echo hush-hush; exit 3");
      const error = await failureOf(resolve(locked.host));
      expect(error).toMatchObject({ kind: "failed_precondition", message: expect.stringMatching(/status 3/) });
      expect(wordsOf(error)).not.toMatch(/hush-hush/);
      await helper("test", "echo hush-hush");
      expect(wordsOf(await failureOf(resolve(locked.host)))).not.toMatch(/hush-hush/);
    });

    test.each([
      ["a helper that is not there", { credsStore: "missing" }, /docker-credential-missing cannot be run/],
      ["a helper with a path for a name", { credsStore: "../../bin/sh" }, /malformed/],
    ])("%s is a clear error", async (_what, config, words) => {
      await configure(config);
      expect((await failureOf(resolve(locked.host))).message).toMatch(words);
    });

    test("a file that is no configuration is named, and not quoted", async () => {
      await writeFile(join(folder, "config.json"), '{"auths": "hush-hush');
      const error = await failureOf(resolve(locked.host));
      expect(error.message).toContain(join(folder, "config.json"));
      expect(wordsOf(error)).not.toMatch(/hush-hush/);
    });
  });
});
