// Random writes, resets, aborts, commits, removals and restarts, against a model of a few lines: at every moment each name holds
// just the bytes that it says, and each ingest what was written to it.
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { BackendWriter, ContentBackend } from "../../api/core/content-backend.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { digestOf, readAll } from "../../test/conformance/content-world.js";
import { failure } from "../../test/conformance/failure.js";
import { tempDir } from "../../test/helpers/temp.js";
import { openContentBackend } from "./backend.js";

const REFS = ["a", "../b", "c/1/\0"] as const;

const step = fc.record({
  ref: fc.constantFrom(...REFS),
  verb: fc.constantFrom("write", "write", "write", "reset", "close", "abort", "commit", "wrong", "restart", "remove"),
  // Few different texts, so that blobs meet again.
  text: fc.constantFrom("", "x", "y", "a longer text\n"),
});

class Run {
  readonly #rootDir: string;
  backend: ContentBackend;
  readonly ingests = new Map<string, string>();
  readonly blobs = new Map<string, string>();
  readonly #writers = new Map<string, BackendWriter>();

  constructor(rootDir: string, backend: ContentBackend) {
    this.#rootDir = rootDir;
    this.backend = backend;
  }

  async writer(ref: string): Promise<BackendWriter> {
    const open = this.#writers.get(ref);
    if (open !== undefined) return open;
    const writer = await this.backend.openIngest(ref);
    this.#writers.set(ref, writer);
    if (!this.ingests.has(ref)) this.ingests.set(ref, "");
    return writer;
  }

  async close(ref: string): Promise<void> {
    await this.#writers.get(ref)?.[Symbol.asyncDispose]();
    this.#writers.delete(ref);
  }

  async restart(): Promise<void> {
    for (const ref of REFS) await this.close(ref);
    this.backend = await openContentBackend({ rootDir: this.#rootDir });
  }

  async apply({ ref, verb, text }: { ref: string; verb: string; text: string }): Promise<void> {
    const written = this.ingests.get(ref) ?? "";
    const digest = digestOf(Buffer.from(written));
    switch (verb) {
      case "write":
        await (await this.writer(ref)).write(Buffer.from(text));
        this.ingests.set(ref, written + text);
        return;
      case "reset":
        await (await this.writer(ref)).reset();
        this.ingests.set(ref, "");
        return;
      case "abort":
        await this.close(ref);
        expect(await this.backend.abort(ref)).toBe(this.ingests.delete(ref));
        return;
      case "wrong": {
        const expected = digestOf(Buffer.from(`${written}!`));
        expect(await failure((await this.writer(ref)).commit({ expected }))).toMatch(/^failed_precondition: /);
        return;
      }
      case "commit":
        expect(await (await this.writer(ref)).commit({ expected: digest })).toEqual({
          digest,
          sizeBytes: written.length,
        });
        await this.close(ref);
        this.ingests.delete(ref);
        this.blobs.set(digest, written);
        return;
      case "remove":
        expect(await this.backend.remove(digest)).toBe(this.blobs.delete(digest) ? written.length : undefined);
        return;
      case "restart":
        await this.restart();
        return;
      default:
        await this.close(ref);
    }
  }

  async check(): Promise<void> {
    const blobs = new Map<string, string>();
    for await (const digest of this.backend.blobs()) {
      blobs.set(digest, (await readAll(this.backend.read(digest))).toString());
    }
    expect(blobs).toEqual(this.blobs);
    const ingests = new Map<string, number>();
    for await (const { ref, offsetBytes } of this.backend.ingests()) ingests.set(ref, offsetBytes);
    expect(ingests).toEqual(new Map(Array.from(this.ingests, ([ref, text]) => [ref, text.length])));
    for (const [ref, writer] of this.#writers) {
      const text = this.ingests.get(ref) ?? "";
      expect([writer.offsetBytes, writer.digest()]).toEqual([text.length, digestOf(Buffer.from(text))]);
    }
  }
}

test("the files are what was asked for, whatever was asked", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      await using scope = new DisposeScope();
      const rootDir = join(await tempDir(scope), "content");
      const run = new Run(rootDir, await openContentBackend({ rootDir }));
      scope.defer(() => run.restart());
      for (const each of steps) {
        await run.apply(each);
        await run.check();
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);
