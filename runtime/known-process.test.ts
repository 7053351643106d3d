import { describe, expect, test } from "vitest";
import type { ProcessState } from "../api/core/task.js";
import { KnownProcess } from "./known-process.js";

const STDIO = { stdin: "i", stdout: "o", stderr: "e", terminal: false };
const EXIT = { pid: 7, exitStatus: 3, exitedAtNs: 9n };

function answer(status: ProcessState["status"]): ProcessState {
  return { containerId: "c", execId: "", pid: 7, status, exitStatus: 0, exitedAtNs: undefined, ...STDIO };
}

describe("what is known of a process", () => {
  test("goes forward only, whatever comes late", () => {
    const known = new KnownProcess("c", "", STDIO, 7);
    expect(known.state).toEqual(answer("created"));
    known.exited(EXIT);
    known.started(7);
    known.paused();
    known.resumed();
    known.answered(answer("running"));
    expect(known.state).toMatchObject({ status: "stopped", ...EXIT });
    expect(known.exit).toEqual(EXIT);
  });

  test("is paused only while it runs, and resumed only while it is paused", () => {
    const known = new KnownProcess("c", "", STDIO, 7);
    known.paused();
    expect(known.state.status).toBe("created");
    known.started(7);
    known.resumed();
    expect(known.state.status).toBe("running");
    known.paused();
    expect(known.state.status).toBe("paused");
    known.resumed();
    expect(known.state.status).toBe("running");
  });

  test("is doubted until the driver has answered", () => {
    const known = new KnownProcess("c", "", STDIO, 7);
    known.doubt();
    expect(known.isSure).toBe(false);
    known.answered(answer("pausing"));
    expect(known.isSure).toBe(false);
    known.answered(answer("paused"));
    expect(known.isSure).toBe(true);
  });

  test("is nothing at first after a restart, and no answer makes it less", () => {
    const known = KnownProcess.unknown("c", "", 7);
    expect(known.isSure).toBe(false);
    expect(known.state).toMatchObject({ status: "unknown", pid: 7 });
    known.answered(answer("running"));
    known.answered(answer("unknown"));
    expect(known.state.status).toBe("running");
  });

  test("an end without pid keeps the one that was known", () => {
    const known = new KnownProcess("c", "e", STDIO, 7);
    known.exited({ ...EXIT, pid: 0 });
    expect(known.exit).toEqual(EXIT);
  });
});
