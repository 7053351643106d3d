// `tremplin listen`: a listener that prints what it is told, a line for each call, until a signal ends it.
import { ContainerdError } from "../../api/core/errors.js";
import { createListenerServer, type Told } from "../../services/tremplin-listener-server.js";

export interface ListenFlags {
  readonly address: string;
  readonly format: string;
}

const FORMATS = ["textproto", "json"] as const;

/** @returns the exit code. @throws invalid_argument for a bad flag, and what the server cannot start for */
export async function listen({ address, format }: ListenFlags): Promise<number> {
  const known = FORMATS.find((each) => each === format);
  if (known === undefined) {
    throw new ContainerdError("invalid_argument", `--format is ${FORMATS.join(" or ")}, not ${JSON.stringify(format)}`);
  }
  // Before it serves: it may be ended as soon as it has said so.
  const ended = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => resolve());
    // Nobody reads any more, as behind `| head`.
    process.stdout.on("error", () => resolve());
  });
  const lineOf = known === "json" ? jsonLine : textLine;
  const server = await createListenerServer(address, {
    onTold: (told) => {
      process.stdout.write(`${lineOf(new Date().toISOString(), told)}\n`);
    },
  });
  process.stdout.write(`listener at ${server.address}\n`);
  await ended;
  await server[Symbol.asyncDispose]();
  return 0;
}

/** A textproto means the same on one line: what could break it is escaped. */
function textLine(time: string, { method, textproto }: Told): string {
  const message = textproto.split("\n").map((line) => line.trim());
  return [time, method, ...message].filter((word) => word !== "").join(" ");
}

function jsonLine(time: string, { method, json }: Told): string {
  const message: unknown = JSON.parse(json);
  return JSON.stringify({ time, method, message });
}
