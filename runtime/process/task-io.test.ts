// Tasks of the host with a client at the other end: terminals, FIFOs, and many of them one after another.
import { readdirSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FifoPair } from "../../test/helpers/fifos.js";
import { execSpec, HostFixture, hostProcess } from "../../test/helpers/process-host.js";
import { requires } from "../../test/helpers/requires.js";
import { until } from "../../test/helpers/until.js";

let fixture: HostFixture;
let fifos: FifoPair;
beforeEach(async () => {
  fixture = new HostFixture();
  fifos = await FifoPair.make(fixture.dir);
});
afterEach(async () => {
  await fifos[Symbol.asyncDispose]();
  await fixture[Symbol.asyncDispose]();
});

const descriptors = (): number => readdirSync("/proc/self/fd").length;

describe("a terminal", () => {
  const terminal = (): object => ({ ...fifos.stdio, stderr: "", terminal: true });
  const shell = (script: string, more: object = {}): object =>
    hostProcess(["sh", "-c", script], { terminal: true, ...more });

  test("controls the session of its task", async () => {
    const script = "tty && [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && stty size && echo mine > /dev/tty; exit 5";
    const task = await fixture.run("t", shell(script, { consoleSize: { height: 33, width: 99 } }), terminal());
    expect(await task.wait("")).toMatchObject({ exitStatus: 5 });
    expect(task.state("")).toMatchObject({ terminal: true, stderr: "" });
    await task.delete("");
    await until("the output", () => /^\/dev\/pts\/\d+\r\n33 99\r\nmine\r\n$/.test(fifos.text()));
  });

  test("carries input, and tells of its size", async () => {
    const script = "trap 'stty size' WINCH; read line; echo got $line; while :; do sleep 0.02; done";
    const task = await fixture.run("t", shell(script), terminal());
    fifos.write("hello\n");
    await until("the answer", () => fifos.text().includes("got hello\r\n"));
    task.resizePty("", 120, 40);
    await until("the size", () => fifos.text().includes("40 120\r\n"));
    // As a keyboard does: the terminal makes a signal of it.
    fifos.write("\x03");
    expect(await task.wait("")).toMatchObject({ exitStatus: 130 });
  });

  test("belongs to an exec alone", async () => {
    const task = await fixture.run("t", hostProcess(["sleep", "1000"]));
    const spec = execSpec(["sh", "-c", "tty; exit 6"]);
    await task.exec("e", { ...fifos.stdio, stderr: "", terminal: true, spec });
    await task.start("e");
    expect(await task.wait("e")).toMatchObject({ exitStatus: 6 });
    await until("the output", () => fifos.text().startsWith("/dev/pts/"));
  });

  test.skipIf(requires.root())("is its user's", async () => {
    const user = { uid: 1234, gid: 2345 };
    const task = await fixture.run("t", shell("stat -L -c %u /dev/stdin; echo mine > /dev/tty", { user }), terminal());
    await task.wait("");
    await until("the output", () => fifos.text() === "1234\r\nmine\r\n");
  });
});

test("input ends when the client has closed it and the supervisor has", async () => {
  const task = await fixture.run("t", hostProcess(["cat"]), fifos.stdio);
  fifos.write("a line\n");
  await until("the echo", () => fifos.text() === "a line\n");
  fifos.endInput();
  expect(task.state("").status).toBe("running");
  task.closeIO("", true);
  task.closeIO("", true);
  expect(await task.wait("")).toMatchObject({ exitStatus: 0 });
});

test("many tasks end as they should and leave no descriptor open", async () => {
  const cycle = async (index: number): Promise<void> => {
    const id = `t${index}`;
    const task = await fixture.run(id, hostProcess(["sh", "-c", `exit ${index % 200}`]));
    expect(await task.wait("")).toMatchObject({ exitStatus: index % 200 });
    await task.delete("");
  };
  await cycle(0);
  const before = descriptors();
  for (let index = 1; index <= 100; index += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, more) => cycle(index + more)));
  }
  await until("the descriptors to be closed", () => descriptors() === before);
  expect(fixture.host.tasks()).toEqual([]);
});
