// A daemon that serves the API of May 2017, a client of that time, and a container's way through its life by that client.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { DisposeScope } from "../../api/core/dispose.js";
import { type Message, OldClient } from "./containerd-2017.js";
import { type Berthd, startBerthd } from "./daemon.js";
import { type RawClients, rawClients } from "./grpc.js";
import { ociSpec } from "./oci-spec.js";
import { makeRootfs } from "./rootfs.js";
import { freshNamespace, tempDir } from "./temp.js";
import { until } from "./until.js";

export const [SIGKILL, SIGTERM] = [9, 15];
export const FOREVER = ["sleep", "1000"];
/** Type of specs in 2017: their version. */
export const SPEC_TYPE = "1.0.0-rc5";

export class OldWorld {
  readonly scope: DisposeScope;
  readonly dir: string;
  /** Of the API of 2017. */
  readonly address: string;
  readonly rootfs: string;
  /** What calls are about that name none. */
  readonly namespace: string;
  readonly old: OldClient;
  readonly today: RawClients;
  daemon: Berthd;

  private constructor(scope: DisposeScope, dir: string, rootfs: string, namespace: string, daemon: Berthd) {
    this.scope = scope;
    this.dir = dir;
    this.address = addressIn(dir);
    this.rootfs = rootfs;
    this.namespace = namespace;
    this.daemon = daemon;
    this.old = scope.use(new OldClient(this.address));
    this.today = scope.use(rawClients(daemon.address));
  }

  /** All of it ends with the scope. */
  static async start(scope: DisposeScope): Promise<OldWorld> {
    const namespace = freshNamespace(scope);
    const dir = await tempDir(scope);
    const rootfs = await makeRootfs(join(dir, "rootfs"));
    const section = { address: addressIn(dir), namespace, snapshotter: "native" };
    const lines = Object.entries(section).map(([key, value]) => `${key} = "${value}"\n`);
    await mkdir(join(dir, "d"));
    const daemon = await startBerthd(scope, { dir: join(dir, "d"), config: `[containerd_2017]\n${lines.join("")}` });
    return new OldWorld(scope, dir, rootfs, namespace, daemon);
  }

  spec(id: string, args: readonly string[], terminal = false): Message {
    const { value } = ociSpec({ args, rootfs: "rootfs", cgroupsPath: `/${this.namespace}/${id}`, terminal });
    return { type_url: SPEC_TYPE, value };
  }

  mounts(): Message[] {
    return [{ type: "bind", source: this.rootfs, target: "/ignored", options: ["rbind", "rw"] }];
  }

  async container(id: string, args: readonly string[], terminal = false): Promise<void> {
    await this.old.containers("Create", { container: { id, runtime: "linux", spec: this.spec(id, args, terminal) } });
  }

  /** A container and its task; the pid of its init. */
  async created(id: string, args: readonly string[], more: Message = {}): Promise<number> {
    await this.container(id, args, more["terminal"] === true);
    const reply = await this.old.tasks("Create", { containerId: id, rootfs: this.mounts(), ...more });
    expect(reply).toEqual({ containerId: id, pid: expect.any(Number) });
    return Number(reply["pid"]);
  }

  async running(id: string, args: readonly string[] = FOREVER, more: Message = {}): Promise<number> {
    const pid = await this.created(id, args, more);
    await this.old.tasks("Start", { containerId: id });
    return pid;
  }

  async status(id: string): Promise<unknown> {
    const { task } = await this.old.tasks("Info", { containerId: id });
    return (task as Message)["status"];
  }

  /** Waits for the end and removes task and container; what Delete says of the task. */
  async ended(id: string): Promise<Message> {
    await until("the task to stop", async () => (await this.status(id)) === "STOPPED");
    const reply = await this.old.tasks("Delete", { containerId: id });
    await this.old.containers("Delete", { id });
    return reply;
  }

  async removed(id: string): Promise<void> {
    await this.old.tasks("Kill", { containerId: id, signal: SIGKILL, all: true });
    await this.ended(id);
  }
}

const addressIn = (dir: string): string => join(dir, "old.sock");

/** What a call fails with. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => expect.fail("it did not fail"),
    (reason: unknown) => reason,
  );
}
