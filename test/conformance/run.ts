// What `client.run` and the objects it makes promise, as cases for any client: of a daemon behind a socket, of containerd, of a daemon
// in this process; with tasks in containers or as processes of the host.
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client, RunOptions, Task } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { until } from "../helpers/until.js";

/** One kind of task on one daemon. */
export interface RunWorld {
  readonly client: Client;
  /** What a shell command is run as. */
  shell(script: string): RunOptions;
  /** Everything of the namespace that is left on the host; empty is clean. */
  leftovers(): Promise<string[]>;
}

export interface RunSubject {
  readonly name: string;
  open(scope: DisposeScope): Promise<RunWorld>;
}

/** Where root's pipes are. */
const FIFO_DIR = "/run/containerd/fifo";

export function describeRun({ name, open }: RunSubject): void {
  describe(`run on ${name}`, () => {
    const scope = new DisposeScope();
    let world: RunWorld;
    let client: Client;
    const ids: string[] = [];

    beforeAll(async () => {
      world = await open(scope);
      client = world.client;
    });
    afterAll(() => scope[Symbol.asyncDispose]());

    const freshId = (): string => {
      const id = `bt-${randomBytes(6).toString("hex")}`;
      ids.push(id);
      return id;
    };
    const run = (script: string, options: Partial<RunOptions> = {}): Promise<Task> =>
      client.run({ ...world.shell(script), id: freshId(), ...options } as RunOptions);

    /** Records, tasks, snapshots, leases, and pipes of our ids. */
    async function left(): Promise<unknown[]> {
      const [containers, tasks, leases] = await Promise.all([
        client.containers.list({}),
        client.tasks.list({}),
        client.leases.list({}),
      ]);
      return [
        ...containers.map(({ id }) => `container ${id}`),
        ...tasks.map(({ containerId }) => `task ${containerId}`),
        ...leases.map(({ id }) => `lease ${id}`),
        ...(await pipesOf(ids)),
        ...(await world.leftovers()),
      ];
    }

    test("output, errors, the exit status; and nothing is left", async () => {
      const task = await run("echo out; echo err >&2; exit 7");
      expect(task.pid).toBeGreaterThan(0);
      expect(await task.output()).toMatchObject({
        ...{ exitStatus: 7, stdout: "out\n", stderr: "err\n", truncated: false, timedOut: false },
      });
      expect(await left()).toEqual([]);
    });

    test("what was written can be read after the end, and needs no reader before", async () => {
      const task = await run(
        "i=0; while [ $i -lt 500 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done",
      );
      expect(await task.wait()).toMatchObject({ exitStatus: 0, timedOut: false });
      expect(await left()).toEqual([]);
      expect((await text(task.stdout)).length).toBe(500 * 41);
    });

    test("input goes in, its end ends it, and output goes on after that", async () => {
      await using task = await run("cat; echo after");
      task.stdin.write("one ");
      task.stdin.end("two ");
      expect(await text(task.stdout)).toBe("one two after\n");
      expect(await task.wait()).toMatchObject({ exitStatus: 0 });
    });

    test("disposing ends it and leaves nothing", async () => {
      {
        await using task = await run("while :; do sleep 1; done");
        expect(await task.state()).toMatchObject({ status: "running" });
      }
      expect(await left()).toEqual([]);
    });

    test("a consumer that throws, and nothing is left", async () => {
      const failing = async (): Promise<void> => {
        await using task = await run("while :; do echo line; sleep 0.01; done");
        for await (const line of createInterface(task.stdout)) throw new Error(`enough: ${line}`);
      };
      await expect(failing()).rejects.toThrow("enough: line");
      expect(await left()).toEqual([]);
    });

    test("exec", async () => {
      await using task = await run("while :; do sleep 1; done");
      const child = await task.exec({ args: ["/bin/sh", "-c", "cat; echo $MORE >&2; exit 3"], env: { MORE: "more" } });
      expect(await child.output({ input: "in" })).toMatchObject({ exitStatus: 3, stdout: "in", stderr: "more\n" });
      await expect(child.state()).rejects.toMatchObject({ kind: "not_found" });
      expect(await task.pids()).not.toEqual([]);
    });

    test("a timeout kills it, and what it said until then is there", async () => {
      const task = await run("echo begun; while :; do sleep 1; done", { timeoutMs: 1500 });
      expect(await task.output()).toMatchObject({ exitStatus: 137, timedOut: true, stdout: "begun\n" });
      expect(await left()).toEqual([]);
    });

    test("an abort while it runs", async () => {
      const abort = new AbortController();
      const task = await run("while :; do sleep 1; done", { signal: abort.signal });
      abort.abort();
      await expect(task.wait()).rejects.toMatchObject({ kind: "cancelled" });
      await until("nothing to be left", async () => (await left()).length === 0);
    });
  });
}

async function pipesOf(ids: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of await readdir(FIFO_DIR).catch(() => [])) {
    const names = await readdir(`${FIFO_DIR}/${folder}`).catch(() => []);
    found.push(...names.filter((name) => ids.some((id) => name.startsWith(id))));
  }
  return found;
}
