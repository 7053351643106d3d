// What every runtime driver must do, as a function: each driver runs it. The programs are busybox's.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isNotImplemented } from "../../api/core/errors.js";
import type { ExecOptions } from "../../api/core/task.js";
import { anyOfJson, isTypeOf, LINUX_RESOURCES_TYPE } from "../../api/core/typeurl.js";
import { ProcessDetails } from "../../api/gen/types/runc/options/oci.js";
import type { CreateTask, DriverTask, RuntimeDriver, TaskGone } from "../../runtime/driver.js";
import { ociProcess } from "../helpers/oci-spec.js";

/** Where a driver answers otherwise than runc's shim, and why. What it does instead is held as well. */
export interface DriverDifferences {
  /** A created task has no process yet, so its pid is 0 until its start. */
  readonly pidAtStart?: string;
  /** A program that is not there is found out by start, and the task stays created. */
  readonly missingProgramAtStart?: string;
  /** Of a task that ends at once nobody may have seen the pid. */
  readonly unseenPid?: string;
  /** What a task may use stays as it was made: update is not implemented. */
  readonly fixedLimits?: string;
}

/** A driver under test, with what its deps were told. Disposing it ends every task and removes all. */
export interface DriverSubject extends AsyncDisposable {
  readonly driver: RuntimeDriver;
  /** Everybody who was reported gone. */
  readonly gone: readonly TaskGone[];
  /** Whether a task may have to do without a control group, and then without what takes one. Default: false. */
  readonly mayLackGroups?: boolean;
  /** Default: none. */
  readonly differences?: DriverDifferences;
  /** A task without stdio that runs these arguments. */
  request(id: string, args: readonly string[]): CreateTask;
  /** Takes away what runs the task, as a crash does, and waits until the driver has reported it. */
  destroy(id: string): Promise<void>;
  /** Lets go of everything, and has a new driver find it again. */
  reload(): Promise<DriverTask[]>;
  /** What is left of these tasks; empty is clean. */
  leftovers(...ids: string[]): Promise<string[]>;
}

const SIGKILL = 9;
const FOREVER = ["sleep", "1000"];

export function execOptions(...args: string[]): ExecOptions {
  return { stdin: "", stdout: "", stderr: "", terminal: false, spec: ociProcess(args) };
}

async function ended(task: DriverTask): Promise<void> {
  await task.kill("", SIGKILL, true);
  await task.wait("");
}

/** @param isLacking whether the machine lacks what the driver needs: then its cases are skipped. */
export function driverConformance(
  name: string,
  makeSubject: () => Promise<DriverSubject>,
  { isLacking = false }: { readonly isLacking?: boolean } = {},
): void {
  describe.skipIf(isLacking)(`driver ${name}`, () => {
    let subject: DriverSubject;
    beforeEach(async () => {
      subject = await makeSubject();
    });
    afterEach(async () => {
      await subject[Symbol.asyncDispose]();
    });
    const create = (id: string, args: readonly string[] = FOREVER): Promise<DriverTask> =>
      subject.driver.create(subject.request(id, args));
    const running = async (id: string, args?: readonly string[]): Promise<DriverTask> => {
      const task = await create(id, args);
      await task.start("");
      return task;
    };

    test("a created task has a pid and has not run", async () => {
      const task = await create("t");
      if (subject.differences?.pidAtStart === undefined) expect(task.pid).toBeGreaterThan(0);
      else expect(task.pid).toBe(0);
      expect(await task.state("")).toEqual({
        containerId: "t",
        execId: "",
        pid: task.pid,
        status: "created",
        exitStatus: 0,
        exitedAtNs: undefined,
        stdin: "",
        stdout: "",
        stderr: "",
        terminal: false,
      });
    });

    test("start runs it, the exit status is told to everybody who waits, and told again", async () => {
      const task = await create("t", ["sh", "-c", "exit 7"]);
      const waiting = [task.wait(""), task.wait(""), task.wait("")];
      const started = await task.start("");
      expect(started).toEqual({ pid: task.pid });
      if (subject.differences?.unseenPid === undefined) expect(started.pid).toBeGreaterThan(0);
      for (const exit of await Promise.all(waiting)) expect(exit).toMatchObject({ exitStatus: 7 });
      expect(await task.wait("")).toMatchObject({ exitStatus: 7 });
      const state = await task.state("");
      expect(state).toMatchObject({ status: "stopped", exitStatus: 7, pid: task.pid });
      expect(state.exitedAtNs).toBeTypeOf("bigint");
      expect(await task.delete("")).toEqual({ pid: task.pid, exitStatus: 7, exitedAtNs: state.exitedAtNs });
      expect(await subject.leftovers("t")).toEqual([]);
      expect(subject.gone).toEqual([]);
    });

    test("SIGKILL is status 137, and a second one finds nobody", async () => {
      const task = await running("t");
      await task.kill("", SIGKILL, false);
      expect(await task.wait("")).toMatchObject({ exitStatus: 137 });
      await expect(task.kill("", SIGKILL, false)).rejects.toMatchObject({
        kind: "not_found",
        message: "process already finished: not found",
      });
    });

    test("a created task can be killed, and one that was not can be deleted", async () => {
      const killed = await create("killed");
      await killed.kill("", SIGKILL, false);
      expect(await killed.wait("")).toMatchObject({ exitStatus: 137 });
      await killed.delete("");
      const task = await create("t");
      expect(await task.delete("")).toMatchObject({ exitStatus: 0, exitedAtNs: undefined });
      expect(await subject.leftovers("t", "killed")).toEqual([]);
    });

    test("what a state does not allow is refused in the runtime's words", async () => {
      const refused = async (action: Promise<unknown>, message: string): Promise<void> =>
        await expect(action).rejects.toMatchObject({ kind: "unknown", message: `${message}: unknown` });
      const task = await create("t");
      await refused(task.pause(), "cannot pause task in created state");
      await refused(task.resume(), "cannot resume task in created state");
      await task.start("");
      await refused(task.start(""), "cannot start a running process");
      await refused(task.resume(), "cannot resume a running process");
      await refused(task.delete(""), "failed to delete task: cannot delete a running process");
      await task.pause();
      await refused(task.start(""), "cannot start a paused process");
      await refused(task.pause(), "cannot pause a paused container");
      await refused(task.exec("e", execOptions("true")), "cannot exec in a paused state");
      await refused(task.delete(""), "failed to delete task: cannot delete a paused process");
      await task.resume();
      await ended(task);
      await refused(task.start(""), "cannot start a stopped process");
      await refused(task.pause(), "cannot pause a stopped container");
      await refused(task.resume(), "cannot resume a stopped container");
      await refused(task.exec("e", execOptions("true")), "cannot exec in a stopped state");
      const resources = anyOfJson(LINUX_RESOURCES_TYPE, {});
      await refused(task.update(resources, {}), "cannot update a stopped container");
    });

    test("pause and resume", async () => {
      const task = await running("t");
      await task.pause();
      expect(await task.state("")).toMatchObject({ status: "paused" });
      await task.resume();
      expect(await task.state("")).toMatchObject({ status: "running" });
      await task.pause();
      await ended(task);
      expect(await task.state("")).toMatchObject({ status: "stopped", exitStatus: 137 });
    });

    test("an exec from registration to its end", async () => {
      const task = await running("t");
      await task.exec("e", execOptions("sh", "-c", "exit 3"));
      expect(await task.state("e")).toMatchObject({ execId: "e", containerId: "t", status: "created", pid: 0 });
      await expect(task.exec("e", execOptions("true"))).rejects.toMatchObject({
        kind: "already_exists",
        message: "id e: already exists",
      });
      await expect(task.kill("e", SIGKILL, false)).rejects.toMatchObject({
        kind: "failed_precondition",
        message: "process not created: failed precondition",
      });
      const waiting = task.wait("e");
      const { pid } = await task.start("e");
      if (subject.differences?.unseenPid === undefined) expect(pid).toBeGreaterThan(0);
      expect(await waiting).toMatchObject({ exitStatus: 3 });
      expect(await task.wait("e")).toMatchObject({ exitStatus: 3 });
      await expect(task.start("e")).rejects.toMatchObject({
        kind: "unknown",
        message: "cannot start a stopped process: unknown",
      });
      expect(await task.delete("e")).toMatchObject({ exitStatus: 3, pid });
      await expect(task.state("e")).rejects.toMatchObject({
        kind: "not_found",
        message: "process does not exist e: not found",
      });
      expect(await task.state("")).toMatchObject({ status: "running" });
    });

    test("an exec of a program that is not there stays as it was", async () => {
      const task = await running("t");
      await task.exec("e", execOptions("/no/such/program"));
      await expect(task.start("e")).rejects.toMatchObject({ kind: "unknown" });
      expect(await task.state("e")).toMatchObject({ status: "created", pid: 0 });
      await task.delete("e");
      expect(await task.state("")).toMatchObject({ status: "running" });
    });

    test("execs are killed alone, and die with init", async () => {
      const task = await running("t");
      for (const id of ["first", "second"]) {
        await task.exec(id, execOptions(...FOREVER));
        await task.start(id);
      }
      await expect(task.delete("first")).rejects.toMatchObject({
        kind: "unknown",
        message: "cannot delete a running process: unknown",
      });
      await task.kill("first", SIGKILL, false);
      expect(await task.wait("first")).toMatchObject({ exitStatus: 137 });
      expect(await task.state("second")).toMatchObject({ status: "running" });
      const second = task.wait("second");
      await ended(task);
      expect(await second).toMatchObject({ exitStatus: 137 });
    });

    test("its processes are listed, and which exec they are", async () => {
      const task = await running("t");
      await task.exec("e", execOptions(...FOREVER));
      const { pid } = await task.start("e");
      const listed = await task.pids();
      expect(listed.map((process) => process.pid).sort()).toEqual([task.pid, pid].sort());
      const info = listed.find((process) => process.pid === pid)?.info;
      expect(info !== undefined && isTypeOf(info, "containerd.runc.v1.ProcessDetails")).toBe(true);
      expect(ProcessDetails.decode(info?.value ?? Buffer.alloc(0)).execId).toBe("e");
      expect(listed.find((process) => process.pid === task.pid)?.info).toBeUndefined();
      await ended(task);
      expect(await task.pids()).toEqual([]);
    });

    test("metrics and resources", async () => {
      const task = await running("t");
      const stats = await task.stats().catch((error: unknown) => error);
      if (subject.mayLackGroups === true && isNotImplemented(stats)) {
        const update = task.update(anyOfJson(LINUX_RESOURCES_TYPE, { cpu: { shares: 512 } }), {});
        await expect(update).rejects.toMatchObject({ kind: "not_implemented" });
        return;
      }
      expect(stats).toMatchObject({ typeUrl: expect.stringMatching(/^io\.containerd\.cgroups\.v[12]\.Metrics$/) });
      const update = task.update(anyOfJson(LINUX_RESOURCES_TYPE, { cpu: { shares: 512 } }), {});
      if (subject.differences?.fixedLimits === undefined) await update;
      else await expect(update).rejects.toMatchObject({ kind: "not_implemented" });
    });

    test("stdio that is not there can be closed, and a window that is not there resized", async () => {
      const task = await running("t");
      await task.closeIO("", true);
      await task.resizePty("", 80, 24);
    });

    test("whoever stops waiting is let go; the task goes on", async () => {
      const task = await running("t");
      const patience = new AbortController();
      const waiting = task.wait("", patience.signal);
      patience.abort();
      await expect(waiting).rejects.toMatchObject({ kind: "cancelled" });
      expect(await task.state("")).toMatchObject({ status: "running" });
    });

    test("a create that fails leaves nothing, and the id free", async () => {
      if (subject.differences?.missingProgramAtStart === undefined) {
        await expect(create("t", ["/no/such/program"])).rejects.toMatchObject({ kind: "unknown" });
      } else {
        const task = await create("t", ["/no/such/program"]);
        await expect(task.start("")).rejects.toMatchObject({ kind: "unknown" });
        expect(await task.state("")).toMatchObject({ status: "created", pid: 0 });
        await expect(create("t")).rejects.toMatchObject({ kind: "unknown" });
        expect(await task.delete("")).toMatchObject({ exitStatus: 0, exitedAtNs: undefined });
      }
      expect(await subject.leftovers("t")).toEqual([]);
      await running("t");
      expect(subject.gone).toEqual([]);
    });

    test("tasks do not mind each other", async () => {
      const [first, second] = await Promise.all([running("first"), running("second")]);
      await ended(first);
      await first.delete("");
      expect(await second.state("")).toMatchObject({ status: "running" });
      await create("first");
    });

    test("a task whose keeper dies is reported once and cleaned up; whoever waits is told", async () => {
      const [task, other] = await Promise.all([running("t"), running("other")]);
      const waiting = task.wait("");
      await subject.destroy("t");
      expect(await waiting).toMatchObject({ exitStatus: 137 });
      expect(subject.gone).toMatchObject([{ id: "t", exit: { exitStatus: 137, pid: task.pid } }]);
      expect(await other.state("")).toMatchObject({ status: "running" });
      await ended(other);
      await other.delete("");
      expect(await subject.leftovers("t", "other")).toEqual([]);
    });

    test("the next driver finds running and stopped tasks again", async () => {
      const [first, second] = await Promise.all([running("first"), running("second", ["sh", "-c", "exit 5"])]);
      await second.wait("");
      const found = await subject.reload();
      expect(found.map((task) => [task.id, task.pid]).sort()).toEqual([
        ["first", first.pid],
        ["second", second.pid],
      ]);
      const byId = new Map(found.map((task) => [task.id, task]));
      expect(await byId.get("second")?.wait("")).toMatchObject({ exitStatus: 5 });
      const waiting = byId.get("first")?.wait("");
      await byId.get("first")?.kill("", SIGKILL, false);
      expect(await waiting).toMatchObject({ exitStatus: 137 });
      for (const task of found) await task.delete("");
      expect(await subject.leftovers("first", "second")).toEqual([]);
      expect(subject.gone).toEqual([]);
    });
  });
}
