// The program of one thread of the differ: one job after the other, until told to close. It closes by itself and is never
// terminated, since ending a thread while a native library loads in it would end the process.
import { parentPort } from "node:worker_threads";
import { applyLayer } from "./apply/apply.js";
import type { ArchiveSummary, FromThread, Job, JobControl, ToThread } from "./job.js";
import { makeLayer } from "./make/make.js";

/** Chunks on their way to the other side at a time. */
const WINDOW = 4;

if (parentPort !== null) serve(parentPort);

function serve(port: NonNullable<typeof parentPort>): void {
  let inFlight = 0;
  let wake: (() => void) | undefined;
  const controlOf = (cancelled: Int32Array): JobControl => ({
    check: () => {
      if (Atomics.load(cancelled, 0) !== 0) throw new Error("cancelled");
    },
    send: async (bytes) => {
      while (inFlight >= WINDOW) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (Atomics.load(cancelled, 0) !== 0) throw new Error("cancelled");
      inFlight += 1;
      port.postMessage({ kind: "data", bytes } satisfies FromThread, [bytes.buffer]);
    },
  });
  port.on("message", (message: ToThread) => {
    if (message.kind === "close") port.close();
    else if (message.kind === "taken") {
      inFlight -= 1;
      wake?.();
    } else {
      inFlight = 0;
      void perform(message.job, controlOf(message.cancelled)).then((answer) => port.postMessage(answer));
    }
  });
}

async function perform(job: Job, control: JobControl): Promise<FromThread> {
  try {
    return { kind: "result", result: await dispatch(job, control) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    return { kind: "failure", message, code };
  }
}

function dispatch(job: Job, control: JobControl): Promise<ArchiveSummary> {
  switch (job.kind) {
    case "apply":
      return applyLayer(job, control);
    case "diff":
      return makeLayer(job, control);
  }
}
