import { describe, expect, test } from "vitest";
import { dockerPullCodec } from "../../api/core/docker-pull.js";
import type { EventEnvelope } from "../../api/core/event.js";
import { silentLogger } from "../../api/core/log.js";
import { engineImageName } from "./image-name.js";
import { type EngineLine, engineLines, PullMeter } from "./image-progress.js";
import { tellPull } from "./pull-news.js";
import { SharedWork } from "./shared-work.js";

const DIGEST = `sha256:${"a".repeat(64)}`;

describe("a name at an engine", () => {
  test.each([
    ["busybox", ["docker.io/library/busybox:latest"], "latest"],
    ["docker.io/library/busybox:1", ["docker.io/library/busybox:1"], "1"],
    ["localhost:5000/a/b:c", ["localhost:5000/a/b:c"], "c"],
    [`busybox@${DIGEST}`, [`docker.io/library/busybox@${DIGEST}`, stoodIn("docker.io/library/busybox")], DIGEST],
    [`h.io/b:1@${DIGEST}`, [`h.io/b@${DIGEST}`, stoodIn("h.io/b")], DIGEST],
  ])("%s", (name, candidates, object) => {
    expect(engineImageName(name)).toMatchObject({ candidates, remote: { object } });
  });

  test("an id is no registry's", () => {
    expect(engineImageName(DIGEST)).toEqual({ candidates: [DIGEST], remote: undefined });
  });

  test.each(["", "a b", "../../etc", "a/B", "a?b", "a#b", "a:b/c", "a\n"])("%j is none", (name) => {
    expect(engineImageName(name)).toBeUndefined();
  });

  function stoodIn(repository: string): string {
    return `${repository}:sha256-${"a".repeat(64)}`;
  }
});

describe("an engine's answer", () => {
  const linesOf = async (...chunks: (string | Uint8Array)[]): Promise<EngineLine[]> => {
    const lines: EngineLine[] = [];
    const answer = async function* () {
      yield* chunks;
    };
    for await (const line of engineLines(answer(), "pull image x")) lines.push(line);
    return lines;
  };

  test("may be cut anywhere", async () => {
    const bytes = Buffer.from('{"status":"ü"}\r\n\n{"status":"b","id":"1"}');
    for (let at = 0; at <= bytes.length; at += 1) {
      const lines = await linesOf(bytes.subarray(0, at), bytes.subarray(at));
      expect(lines).toEqual([{ status: "ü" }, { status: "b", id: "1" }]);
    }
  });

  test.each([
    ["an error", '{"errorDetail":{"code":1,"message":"no such"},"error":"no such"}', "docker: pull image x: no such"],
    ["a detail alone", '{"errorDetail":{"message":"no such"}}', "docker: pull image x: no such"],
    ["nonsense", "<html>", "docker: pull image x: the engine's answer makes no sense"],
    [
      "an end that never comes",
      "x".repeat(2 ** 21),
      "docker: pull image x: a line of the engine's answer does not end",
    ],
  ])("with %s is a failure", async (_, text, message) => {
    await expect(linesOf(text)).rejects.toMatchObject({ kind: "unknown", message });
  });
});

test("the layers of a pull are summed up", () => {
  const meter = new PullMeter("resolving");
  const at = (id: string, status: string, current?: number, total?: number) =>
    meter.take({ id, status, progressDetail: { ...(current && { current }), ...(total && { total }) } });
  expect(at("latest", "Pulling from library/x")).toEqual({ status: "resolving", currentBytes: 0, totalBytes: 0 });
  expect(at("a", "Pulling fs layer")).toEqual({ status: "downloading", currentBytes: 0, totalBytes: 0 });
  expect(at("a", "Downloading", 10, 100)).toMatchObject({ currentBytes: 10, totalBytes: 100 });
  expect(at("b", "Downloading", 5, 50)).toMatchObject({ currentBytes: 15, totalBytes: 150 });
  expect(at("b", "Download complete")).toMatchObject({ currentBytes: 60, totalBytes: 150 });
  // Layers are unpacked while others still come.
  expect(at("b", "Extracting", 7, 50)).toMatchObject({ status: "downloading", currentBytes: 60 });
  expect(at("a", "Verifying Checksum")).toMatchObject({ status: "downloading", currentBytes: 150 });
  expect(at("a", "Extracting", 1, 100)).toEqual({ status: "extracting", currentBytes: 150, totalBytes: 150 });
  expect(at("c", "Already exists")).toMatchObject({ currentBytes: 150 });
  expect(meter.end("done")).toEqual({ status: "done", currentBytes: 150, totalBytes: 150 });
});

describe("the ledger hears of a pull", () => {
  const told: EventEnvelope[] = [];
  let nowNs = 0n;
  const deps = {
    ledger: { append: async (envelopes: readonly EventEnvelope[]) => void told.push(...envelopes) },
    clock: () => nowNs,
    log: silentLogger,
    namespace: "n",
    image: "x",
  };
  const heard = () => told.splice(0).map(({ event }) => dockerPullCodec.decode(event?.value ?? Buffer.alloc(0)));

  test("once a second, and of the end", async () => {
    const result = await tellPull(deps, async (onProgress) => {
      for (let step = 0; step <= 25; step += 1) {
        nowNs = BigInt(step) * 100_000_000n;
        onProgress({ status: "downloading", currentBytes: step, totalBytes: 30 });
      }
      onProgress({ status: "done", currentBytes: 30, totalBytes: 30 });
      return "it";
    });
    expect(result).toBe("it");
    expect(heard().map(({ status, currentBytes }) => [status, currentBytes])).toEqual([
      ["downloading", 0],
      ["downloading", 10],
      ["downloading", 20],
      ["done", 30],
    ]);
  });

  test("that failed, and never of none", async () => {
    await expect(
      tellPull(deps, async (onProgress) => {
        onProgress({ status: "loading", currentBytes: 1, totalBytes: 2 });
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect(heard()).toEqual([
      { image: "x", status: "loading", currentBytes: 1, totalBytes: 2 },
      { image: "x", status: "failed", currentBytes: 1, totalBytes: 2 },
    ]);
    await tellPull(deps, async () => undefined);
    expect(heard()).toEqual([]);
  });
});

describe("shared work", () => {
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  test("is done once for all, and anew afterwards", async () => {
    const work = new SharedWork<number, string>();
    let done = 0;
    const one = async (_: AbortSignal, tell: (news: string) => void): Promise<number> => {
      await settled();
      tell("news");
      done += 1;
      return done;
    };
    const heard: string[] = [];
    const onNews = (news: string): void => void heard.push(news);
    expect(await Promise.all([work.run("k", one, { onNews }), work.run("k", one, { onNews })])).toEqual([1, 1]);
    expect(heard).toEqual(["news", "news"]);
    expect(await Promise.all([work.run("k", one), work.run("other", one)])).toEqual([2, 3]);
  });

  test("ends with the last who waits, and not before", async () => {
    const work = new SharedWork<string, never>();
    const [first, second] = [new AbortController(), new AbortController()];
    let begun = 0;
    let ended = 0;
    const endless = (signal: AbortSignal): Promise<string> => {
      begun += 1;
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          ended += 1;
          reject(new Error("ended"));
        });
      });
    };
    const waiting = [work.run("k", endless, first), work.run("k", endless, second)];
    first.abort();
    await expect(waiting[0]).rejects.toMatchObject({ kind: "cancelled" });
    expect([begun, ended]).toEqual([1, 0]);
    second.abort(Object.assign(new Error("late"), { name: "TimeoutError" }));
    await expect(waiting[1]).rejects.toMatchObject({ kind: "deadline_exceeded" });
    expect([begun, ended]).toEqual([1, 1]);
    expect(await work.run("k", async () => "anew")).toBe("anew");
    await expect(work.run("k", endless, { signal: AbortSignal.abort() })).rejects.toMatchObject({ kind: "cancelled" });
    expect(begun).toBe(1);
  });

  test("fails for all", async () => {
    const work = new SharedWork<string, never>();
    const fail = async (): Promise<string> => {
      await settled();
      throw new Error("no");
    };
    const all = await Promise.allSettled([work.run("k", fail), work.run("k", fail)]);
    expect(all.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});
