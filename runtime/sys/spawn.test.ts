// Children made and reaped by hand.
import { closeSync, openSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { until } from "../../test/helpers/until.js";
import { reapChild, setResourceLimit, UNKNOWN_EXIT } from "./child.js";
import { keepDescriptors, type SpawnRequest, socketPair, spawnProcess } from "./spawn.js";

const nothing = openSync("/dev/null", "r+");
const request = (script: string, more: Partial<SpawnRequest> = {}): SpawnRequest => ({
  path: "/bin/sh",
  args: ["sh", "-c", script],
  env: [],
  cwd: "/",
  descriptors: [nothing, nothing, nothing],
  ...more,
});

async function exitOf(pid: number): Promise<number> {
  let status: number | undefined;
  await until("its end", () => {
    status = reapChild(pid);
    return status !== undefined;
  });
  return status ?? -1;
}

describe("a child", () => {
  test.each([
    ["exit 3", 3],
    ["kill -9 $$", 137],
    ["kill -63 $$", 191],
    ['[ "$A" = "1 2" ] && [ "$0" = sh ] && cd . && [ "$PWD" = /usr ]', 0],
  ])("that does %s ends with %i", async (script, status) => {
    expect(await exitOf(spawnProcess(request(script, { env: ["A=1 2"], cwd: "/usr" })))).toBe(status);
  });

  test("is reaped once", async () => {
    const pid = spawnProcess(request("exit 3"));
    expect(await exitOf(pid)).toBe(3);
    expect(reapChild(pid)).toBe(UNKNOWN_EXIT);
  });

  test.each([
    ["no program", { path: "/nowhere" }, "ENOENT"],
    ["no folder", { cwd: "/nowhere" }, "ENOENT"],
    ["a program that is none", { path: "/etc/passwd" }, "EACCES"],
    ["too many words", { args: ["sh", "x".repeat(200_000)] }, "E2BIG"],
    ["a NUL in a word", { args: ["sh", "a\0b"] }, "EINVAL"],
    ["a NUL in a variable", { env: ["A=a\0b"] }, "EINVAL"],
  ])("is not made with %s", (_, more, code) => {
    expect(() => spawnProcess(request("exit 0", more))).toThrow(expect.objectContaining({ code }));
  });

  test("has what it is given open and no more", async () => {
    keepDescriptors();
    const [ours, theirs] = socketPair();
    const pid = spawnProcess(
      request("[ -S /proc/$$/fd/3 ] && [ ! -e /proc/$$/fd/4 ]", {
        descriptors: [nothing, nothing, nothing, theirs],
      }),
    );
    closeSync(theirs);
    expect(await exitOf(pid)).toBe(0);
    closeSync(ours);
  });

  test("gets limits from outside", async () => {
    const pid = spawnProcess(request("while :; do sleep 0.01; done"));
    setResourceLimit(pid, 7, 32n, 40n);
    expect(readFileSync(`/proc/${pid}/limits`, "utf8")).toMatch(/^Max open files +32 +40 /m);
    expect(() => setResourceLimit(pid, 7, 30n, 20n)).toThrow(expect.objectContaining({ code: "EINVAL" }));
    process.kill(pid, "SIGKILL");
    expect(await exitOf(pid)).toBe(137);
  });
});
