// Containers for tests: each test gets its own and has it removed when it ends, however it ends. When the whole test process is killed,
// host processes end with it; containers under runc end, and records of both go, when the fixture is opened the next time.
//   node --import tsx --test examples/test-fixture.ts              host processes, as any user
//   ROOTFS=./rootfs node --import tsx --test examples/test-fixture.ts    the same tests in containers under runc, as root
import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Client, createDaemon, type Daemon, isNotFound, type Task } from "berthd";

const {
  ROOTFS,
  FIXTURE_DIR = join(homedir(), ".cache", "berth-fixture"),
  BERTH_NAMESPACE: namespace = "fixture",
} = process.env;

class Containers implements AsyncDisposable {
  readonly client: Client;
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon) {
    this.#daemon = daemon;
    this.client = daemon.client({ namespace });
  }

  /** One process at a time has a folder: test files that run side by side need one each. It stays, so that leftovers are found. */
  static async open(folder: string): Promise<Containers> {
    const containers = new Containers(
      await createDaemon({ root: join(folder, "root"), state: join(folder, "state"), warmShims: 0 }),
    );
    await containers.#removeLeftovers();
    return containers;
  }

  /** Starts a shell that runs `script`, and removes it after the test. */
  async start(t: TestContext, script: string): Promise<Task> {
    const args = ["/bin/sh", "-c", script];
    const what = ROOTFS === undefined ? { process: true as const, args } : { rootfs: ROOTFS, args };
    const task = await this.client.run({ ...what, labels: { test: t.name.slice(0, 100) }, lifetime: "daemon" });
    t.after(() => task[Symbol.asyncDispose]());
    return task;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
    await this.#daemon[Symbol.asyncDispose]();
  }

  /** What a run left that was killed. */
  async #removeLeftovers(): Promise<void> {
    for (const { id, labels } of await this.client.containers.list({})) {
      console.log(`removing what was left of: ${labels["test"]}`);
      try {
        // Takes the container along, since run() had made it.
        await (await this.client.task(id)).delete({ force: true });
      } catch (error) {
        if (!isNotFound(error)) throw error;
        await this.client.containers.delete({}, id);
      }
    }
  }
}

let containers: Containers;
before(async () => {
  containers = await Containers.open(FIXTURE_DIR);
});
after(() => containers[Symbol.asyncDispose]());

test("a service answers", async (t) => {
  const service = await containers.start(t, 'while read -r word; do echo "you said $word"; done');
  service.stdin.write("hello\n");
  for await (const line of createInterface(service.stdout)) {
    assert.equal(line, "you said hello");
    break;
  }
});

test("a service can be looked into", async (t) => {
  const service = await containers.start(t, "while :; do sleep 1; done");
  const { stdout, exitStatus } = await (await service.exec({ args: ["/bin/sh", "-c", "echo inside"] })).output();
  assert.deepEqual({ stdout, exitStatus }, { stdout: "inside\n", exitStatus: 0 });
});

test("nothing is left of the tests before", async () => {
  assert.deepEqual(await containers.client.containers.list({}), []);
  assert.deepEqual(await containers.client.tasks.list({}), []);
});

// To see what a killed test process leaves: STAY=1, and kill it.
test("a test that stays", { skip: process.env["STAY"] === undefined }, async (t) => {
  const { pid } = await containers.start(t, "while :; do sleep 1; done");
  console.log(`staying with process ${pid}`);
  await delay(600_000);
});
