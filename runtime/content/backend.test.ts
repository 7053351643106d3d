import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ContentBackend } from "../../api/core/content-backend.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { formatTime } from "../../api/core/time.js";
import { digestOf, readAll } from "../../test/conformance/content-world.js";
import { failure } from "../../test/conformance/failure.js";
import { tempDir } from "../../test/helpers/temp.js";
import { openContentBackend } from "./backend.js";
import { ingestDir, ingestName } from "./layout.js";

const HELLO = Buffer.from("hello");

let scope: DisposeScope;
let rootDir: string;
let backend: ContentBackend;

beforeEach(async () => {
  scope = new DisposeScope();
  rootDir = join(await tempDir(scope), "content");
  backend = await openContentBackend({ rootDir });
});
afterEach(() => scope[Symbol.asyncDispose]());

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function write(ref: string, bytes: Uint8Array, totalBytes = 0): Promise<void> {
  await using writer = await backend.openIngest(ref, { totalBytes });
  await writer.write(bytes);
}

async function commit(ref: string, options: { sizeBytes?: number; expected?: string } = {}) {
  await using writer = await backend.openIngest(ref);
  return await writer.commit(options);
}

test("lies on disk as containerd lays it out", async () => {
  await write("ns/1/r", HELLO, 9);
  const dir = ingestDir(rootDir, "ns/1/r");
  expect(dir).toBe(join(rootDir, "ingest", ingestName("ns/1/r")));
  expect(readdirSync(dir).sort()).toEqual(["data", "ref", "startedat", "total", "updatedat"]);
  const text = (name: string) => readFile(join(dir, name), "utf8");
  expect([await text("ref"), await text("total"), await text("data")]).toEqual(["ns/1/r", "9", "hello"]);
  const ingest = await backend.ingest("ns/1/r");
  expect(formatTime(ingest?.startedAtNs)).toBe(await text("startedat"));
  expect(await text("updatedat")).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  await commit("ns/1/r");
  const path = join(rootDir, "blobs", "sha256", digestOf(HELLO).slice(7));
  expect(backend.path(digestOf(HELLO))).toBe(path);
  expect(statSync(path).mode & 0o777).toBe(0o444);
  expect(existsSync(dir)).toBe(false);
});

test("times of an ingest that containerd wrote are understood", async () => {
  await write("r", HELLO);
  await writeFile(join(ingestDir(rootDir, "r"), "startedat"), "2024-01-02T03:04:05.6+02:00");
  expect(formatTime((await backend.ingest("r"))?.startedAtNs)).toBe("2024-01-02T01:04:05.6Z");
});

test("a folder that a crash left half-made is no ingest, and goes", async () => {
  for (const files of [[], ["data"], ["data", "startedat"]]) {
    const dir = ingestDir(rootDir, "r");
    await backend.abort("r");
    await mkdir(dir, { recursive: true });
    for (const name of files) await writeFile(join(dir, name), "x");
    expect(await backend.ingest("r")).toBeUndefined();
    await using writer = await backend.openIngest("r");
    expect(writer.offsetBytes).toBe(0);
  }
  await mkdir(join(rootDir, "ingest", ingestName("other")));
  expect((await all(backend.ingests())).map(({ ref }) => ref)).toEqual(["r"]);
  expect(readdirSync(join(rootDir, "ingest"))).toEqual([ingestName("r")]);
});

test("what a crash left behind before the name was given is committed by the next writer", async () => {
  await write("r", HELLO);
  // The bytes are under their name already, as after a crash between the renaming and the end of the ingest.
  await write("twin", HELLO);
  await commit("twin");
  expect(await commit("r", { expected: digestOf(HELLO) })).toEqual({ digest: digestOf(HELLO), sizeBytes: 5 });
  expect(await all(backend.blobs())).toEqual([digestOf(HELLO)]);
  expect(await all(backend.ingests())).toEqual([]);
});

test("a damaged file under the name of a blob is replaced by the whole one", async () => {
  const path = backend.path(digestOf(HELLO));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, "hel");
  await write("r", HELLO);
  await commit("r");
  expect((await readAll(backend.read(digestOf(HELLO)))).toString()).toBe("hello");
});

test("the digest that is expected says how to hash, also when it comes late", async () => {
  for (const algorithm of ["sha384", "sha512"] as const) {
    await write("late", HELLO);
    expect(await commit("late", { expected: digestOf(HELLO, algorithm) })).toMatchObject({
      digest: digestOf(HELLO, algorithm),
    });
    await using early = await backend.openIngest(`early ${algorithm}`, { algorithm });
    await early.write(HELLO);
    expect(early.digest()).toBe(digestOf(HELLO, algorithm));
  }
  expect((await all(backend.blobs())).sort()).toEqual([digestOf(HELLO, "sha384"), digestOf(HELLO, "sha512")]);
});

test.each([
  "sha256:../../../../etc/passwd",
  "sha256:",
  `md5:${"0".repeat(32)}`,
  `sha256:${"A".repeat(64)}`,
  `../x:${"0".repeat(64)}`,
  `sha256:${"0".repeat(63)}\0`,
])("never makes a path of %j", async (digest) => {
  expect(() => backend.path(digest)).toThrow(/invalid argument$/);
  expect(await failure(backend.size(digest))).toMatch(/^invalid_argument: /);
  expect(await failure(backend.remove(digest))).toMatch(/^invalid_argument: /);
  expect(await failure(all(backend.read(digest)))).toMatch(/^invalid_argument: /);
});

test("a writer whose ingest was aborted cannot commit, and leaves nothing", async () => {
  await using writer = await backend.openIngest("r");
  await writer.write(HELLO);
  expect(await backend.abort("r")).toBe(true);
  expect(await backend.abort("r")).toBe(false);
  expect(await failure(writer.commit({}))).toBe("not_found: reference r: not found");
  await writer[Symbol.asyncDispose]();
  expect(await all(backend.ingests())).toEqual([]);
  expect(await all(backend.blobs())).toEqual([]);
});

test("removing tells how much became free", async () => {
  await write("r", HELLO);
  const { digest } = await commit("r");
  expect([await backend.size(digest), await backend.remove(digest)]).toEqual([5, 5]);
  expect([await backend.size(digest), await backend.remove(digest)]).toEqual([undefined, undefined]);
  expect(await failure(all(backend.read(digest)))).toBe(`not_found: content digest ${digest}: not found`);
});

test("a blob can be read to its end after it was removed", async () => {
  const bytes = Buffer.alloc(3_000_000, "x");
  await write("r", bytes);
  const { digest } = await commit("r");
  const read: Uint8Array[] = [];
  for await (const chunk of backend.read(digest)) {
    read.push(chunk);
    await backend.remove(digest);
  }
  expect(Buffer.concat(read).equals(bytes)).toBe(true);
});
