// Which hosts are spoken to and how: hosts.toml with its mirrors and settings, certificates, proxies of the environment.
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect as connectTo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createRegistry, type RegistryOptions } from "../../api/client/distribution/registry/registry.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { parseReference } from "../../api/core/reference.js";
import { type Certificates, makeCertificates } from "../helpers/certificates.js";
import { type Front, reply, startFront } from "../helpers/front.js";
import { noiseLayer, type TestImage, testImage } from "../helpers/image.js";
import { seedRegistry, startRegistry, type TestRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";

describe.skipIf(requires.binary("docker-registry") || requires.binary("openssl"))("hosts of a registry", () => {
  const scope = new DisposeScope();
  let image: TestImage;
  let registry: TestRegistry;
  let certificates: Certificates;
  let secure: Front;
  let mirror: Front;
  let origin: Front;
  let hostsDir: string;

  beforeAll(async () => {
    image = testImage([noiseLayer("noise", 1_000)]);
    registry = await startRegistry(scope);
    await seedRegistry(registry, "team/app", "1", image);
    await seedRegistry(registry, "cache/team/app", "1", image);
    certificates = await makeCertificates(scope);
    const { ca, certificate, key, read } = certificates;
    const tls = { ca: await read(ca), cert: await read(certificate), key: await read(key) };
    secure = await startFront(scope, { target: registry.url, tls });
    mirror = await startFront(scope, { target: registry.url });
    origin = await startFront(scope, { target: registry.url });
  });

  beforeEach(async () => {
    hostsDir = await tempDir(scope);
    for (const front of [secure, mirror, origin]) {
      front.answer = (_request, _response, forward) => forward();
      front.seen.length = 0;
    }
  });

  afterEach(() => vi.unstubAllEnvs());
  afterAll(() => scope[Symbol.asyncDispose]());

  async function configure(folder: string, toml: string): Promise<void> {
    await mkdir(join(hostsDir, folder), { recursive: true });
    await writeFile(join(hostsDir, folder, "hosts.toml"), toml);
  }

  async function resolve(host: string, options: RegistryOptions = {}) {
    await using client = createRegistry({ hostsDir, credentials: async () => undefined, ...options });
    return await client.resolve(parseReference(`${host}/team/app:1`));
  }

  /** The first blob of the image, through whichever host has it. */
  async function fetchLayer(host: string, options: RegistryOptions = {}): Promise<Buffer> {
    await using client = createRegistry({ hostsDir, credentials: async () => undefined, ...options });
    const [layer] = image.blobs;
    if (layer === undefined) throw new Error("the image has no layer");
    const chunks: Uint8Array[] = [];
    const fetcher = client.fetcher(parseReference(`${host}/team/app:1`));
    for await (const chunk of fetcher.fetch(layer, 0)) chunks.push(chunk);
    expect(Buffer.concat(chunks)).toEqual(layer.bytes);
    return layer.bytes;
  }

  test.each(["registry.example", "_default"])(
    "a mirror of folder %s is asked first, and told whose mirror it is",
    async (folder) => {
      await configure(folder, `server = "${origin.url}"\n[host."${mirror.url}"]\ncapabilities = ["pull", "resolve"]\n`);
      expect((await resolve("registry.example")).digest).toBe(image.target.digest);
      expect(mirror.seen.map(({ url }) => url)).toEqual(["/v2/team/app/manifests/1?ns=registry.example"]);
      expect(origin.seen).toEqual([]);
    },
  );

  test("the folder host_port_ is that of a host with a port", async () => {
    await configure("registry.example_5000_", `server = "${origin.url}"\n`);
    await resolve("registry.example:5000");
    expect(origin.seen.map(({ url }) => url)).toEqual(["/v2/team/app/manifests/1?ns=registry.example%3A5000"]);
  });

  test("mirrors are asked in their order, the server when none of them can help", async () => {
    const [first, second] = [await startFront(scope), await startFront(scope)];
    first.answer = (_request, response) => reply(response, 404);
    second.answer = (_request, response) => reply(response, 500);
    await configure(
      "registry.example",
      `server = "${origin.url}"\n[host."${first.url}"]\n[host."${second.url}"]\n[host."http://127.0.0.1:1"]\n`,
    );
    await fetchLayer("registry.example");
    expect([first.seen.length, second.seen.length, origin.seen.length]).toEqual([1, 1, 1]);
  });

  test("a mirror that only pulls is not asked what a tag stands for, nor pushed to", async () => {
    await configure("registry.example", `server = "${origin.url}"\n[host."${mirror.url}"]\ncapabilities = ["pull"]\n`);
    await resolve("registry.example");
    expect(mirror.seen).toEqual([]);
    await fetchLayer("registry.example");
    expect(mirror.seen).toHaveLength(1);
    const target = image.target;
    await using client = createRegistry({ hostsDir, credentials: async () => undefined });
    const pusher = client.pusher(parseReference("registry.example/team/app:1"), target);
    await pusher.push(target, {
      bytes: async function* () {
        yield target.bytes;
      },
      mountFrom: [],
    });
    expect(mirror.seen).toHaveLength(1);
  });

  test("override_path takes an address as it is; headers are sent", async () => {
    await configure(
      "registry.example",
      `[host."${mirror.url}/v2/cache"]\noverride_path = true\n[host."${mirror.url}/v2/cache".header]\nx-one = "1"\nx-two = ["a", "b"]\n`,
    );
    await resolve("registry.example");
    expect(mirror.seen).toMatchObject([
      { url: "/v2/cache/team/app/manifests/1?ns=registry.example", headers: { "x-one": "1", "x-two": "a, b" } },
    ]);
  });

  test("a certificate is checked, by the authority that the file names", async () => {
    await configure("registry.example", `server = "${secure.url}"\n`);
    await expect(resolve("registry.example")).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringMatching(/certificate/),
    });
    await configure("registry.example", `server = "${secure.url}"\nca = "${certificates.ca}"\n`);
    await resolve("registry.example");
    await configure("registry.example", `server = "${secure.url}"\nskip_verify = true\n`);
    await resolve("registry.example");
  });

  test("a client's certificate is shown", async () => {
    const { ca, clientCertificate, clientKey } = certificates;
    const subjects: unknown[] = [];
    secure.answer = (request, _response, forward) => {
      const { socket } = request;
      if ("getPeerCertificate" in socket && typeof socket.getPeerCertificate === "function")
        subjects.push(socket.getPeerCertificate().subject?.CN);
      forward();
    };
    await configure(
      "registry.example",
      `server = "${secure.url}"\nca = ["${ca}"]\nclient = [["${clientCertificate}", "${clientKey}"]]\n`,
    );
    await resolve("registry.example");
    expect(subjects).toEqual(["client"]);
  });

  test("without hosts.toml the folder's certificates count", async () => {
    const folder = join(hostsDir, `127.0.0.1_${secure.host.split(":")[1]}_`);
    await mkdir(folder);
    const { ca, read } = certificates;
    await writeFile(join(folder, "own.crt"), await read(ca));
    expect((await resolve(secure.host)).digest).toBe(image.target.digest);
    // Of another authority: it is checked.
    await writeFile(join(folder, "own.crt"), await read((await makeCertificates(scope)).ca));
    await expect(resolve(secure.host)).rejects.toMatchObject({ kind: "unavailable" });
  });

  test.each([
    ["no TOML", "server = ", "hosts.toml"],
    ["an unknown capability", '[host."http://x"]\ncapabilities = ["fly"]\n', "capabilities"],
    ["no address", '[host."ftp://x"]\n', "no http address"],
    ["no duration", 'server = "http://x"\ndial_timeout = "soon"\n', "no duration"],
    ["no certificate", 'server = "https://x"\nca = "hosts.toml"\n', "no certificate"],
    ["a file that is missing", 'server = "https://x"\nca = "missing.crt"\n', "missing.crt"],
  ])("a file with %s is refused", async (_what, toml, words) => {
    await configure("registry.example", toml);
    await expect(resolve("registry.example")).rejects.toMatchObject({
      kind: "invalid_argument",
      message: expect.stringContaining(words),
    });
  });

  test("proxies of the environment are used, by tunnel for https and by whole address for http", async () => {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const { target } = image;
      const headers = { "content-type": target.mediaType, "docker-content-digest": target.digest };
      response.writeHead(200, { ...headers, "content-length": String(target.sizeBytes) });
      response.end();
    });
    proxy.on("connect", (request, socket) => {
      asked.push(`CONNECT ${request.url}`);
      const [host = "", port = ""] = secure.host.split(":");
      const onward = connectTo(Number(port), host, () => {
        socket.write("HTTP/1.1 200 ok\r\n\r\n");
        onward.pipe(socket).pipe(onward);
      });
      for (const end of [onward, socket]) end.on("error", () => onward.destroy());
    });
    await new Promise<void>((listening) => proxy.listen(0, "127.0.0.1", listening));
    scope.defer(() => void proxy.close());
    const { port } = proxy.address() as AddressInfo; // it listens on TCP
    vi.stubEnv("HTTP_PROXY", `http://127.0.0.1:${port}`);
    vi.stubEnv("HTTPS_PROXY", `127.0.0.1:${port}`);
    vi.stubEnv("NO_PROXY", "inner.example");
    await resolve("registry.example", { plainHttp: true });
    await resolve("registry.example", { skipVerify: true });
    expect(asked).toEqual(["HEAD http://registry.example/v2/team/app/manifests/1", "CONNECT registry.example:443"]);
    await resolve(origin.host);
    expect(asked).toHaveLength(2);
  });
});
