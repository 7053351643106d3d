// A supervisor of host processes with bundles of its own, for tests: what it was told to run, and what it told.
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../api/core/log.js";
import { systemClock } from "../../api/core/time.js";
import { type Any, anyOfJson, PROCESS_TYPE } from "../../api/core/typeurl.js";
import { TaskExecStarted, TaskExit } from "../../api/gen/events/task.js";
import { createProcessHost } from "../../runtime/process/host.js";
import type { CreateProcessTask, ProcessHost, ProcessTask } from "../../runtime/process/process-task.js";

const randomName = (prefix: string): string => prefix + randomBytes(6).toString("hex");

export const PATH_VARIABLE = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** An OCI process of whoever runs the test. */
export function hostProcess(args: readonly string[], more: object = {}): object {
  return { args, cwd: "/", env: [PATH_VARIABLE], ...more };
}

/** The same as an exec has it. */
export const execSpec = (args: readonly string[], more: object = {}): Any =>
  anyOfJson(PROCESS_TYPE, hostProcess(args, more));

export class HostFixture implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), "berth-process-"));
  readonly namespace = randomName("bt-");
  readonly events: { readonly topic: string; readonly event: Any }[] = [];
  readonly host: ProcessHost;

  constructor() {
    const onEvent = (topic: string, event: Any): void => void this.events.push({ topic, event });
    this.host = createProcessHost({ log: silentLogger, clock: systemClock, namespace: this.namespace, onEvent });
  }

  get topics(): string[] {
    return this.events.map(({ topic }) => topic);
  }

  /** Makes a bundle of this spec, and a request for it. */
  request(id: string, spec: object | string, more: Partial<CreateProcessTask> = {}): CreateProcessTask {
    const bundle = join(this.dir, id);
    mkdirSync(bundle, { recursive: true });
    writeFileSync(join(bundle, "config.json"), typeof spec === "string" ? spec : JSON.stringify(spec));
    return { id, bundle, rootfs: [], checkpoint: "", stdin: "", stdout: "", stderr: "", terminal: false, ...more };
  }

  async create(id: string, process: object, more: Partial<CreateProcessTask> = {}): Promise<ProcessTask> {
    await this.host.create(this.request(id, { ociVersion: "1.0.2", process }, more));
    return this.host.task(id);
  }

  async run(id: string, process: object, more: Partial<CreateProcessTask> = {}): Promise<ProcessTask> {
    const task = await this.create(id, process, more);
    await task.start("");
    return task;
  }

  /** Runs a process to its end. @returns its exit status and what it wrote. */
  async output(process: object, more: Partial<CreateProcessTask> = {}): Promise<{ status: number; text: string }> {
    const id = randomName("t-");
    const file = join(this.dir, `${id}.out`);
    writeFileSync(file, "", { mode: 0o666 });
    const task = await this.run(id, process, { stdout: file, stderr: file, ...more });
    const { exitStatus } = await task.wait("");
    await task.delete("");
    return { status: exitStatus, text: readFileSync(file, "utf8") };
  }

  /** `topic id status` of every event, in order. */
  get story(): string[] {
    return this.events.map(({ topic, event }) => {
      if (topic === "/tasks/exit") {
        const { id, exitStatus } = TaskExit.decode(event.value);
        return `${topic} ${id} ${exitStatus}`;
      }
      return topic === "/tasks/exec-started" ? `${topic} ${TaskExecStarted.decode(event.value).execId}` : topic;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
