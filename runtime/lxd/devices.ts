// The devices of an instance as one table: what is put in is taken back the same way, which a partial change in LXD cannot do.
import { json as readJson } from "node:stream/consumers";
import * as z from "zod";
import { lxdError } from "./errors.js";
import { type OperationOptions, runOperation } from "./operations.js";
import { lxdPath } from "./path.js";
import { replySchema } from "./replies.js";
import type { LxdServer } from "./server.js";

/** By the device's name, each with its settings: `type`, `path`, … */
export type LxdDevices = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What a whole replacement of an instance says; anything more that LXD has is sent back as it came. */
const wholeSchema = z.looseObject({ devices: z.record(z.string(), z.record(z.string(), z.string())) });

/**
 * Replaces the instance's own devices, not those of its profiles, by what `edit` makes of them; nothing happens when it hands back the
 * same object. A running instance gets and loses them at once.
 * @throws not_found; failed_precondition when somebody else changed the instance meanwhile; unknown or invalid_argument for what LXD
 * refuses. Then they are as before
 */
export async function editDevices(
  server: LxdServer,
  name: string,
  edit: (devices: LxdDevices) => LxdDevices,
  options: OperationOptions = {},
): Promise<void> {
  const path = lxdPath`/1.0/instances/${name}`;
  const look = `look at instance ${name}`;
  const { headers, body } = await server.open(look, { method: "GET", path }, options);
  const whole = parseWhole(look, await readJson(body));
  const devices = edit(whole.devices);
  if (devices === whole.devices) return;
  const etag = headers["etag"];
  await runOperation(
    server,
    `change the devices of instance ${name}`,
    {
      method: "PUT",
      path,
      json: { ...whole, devices },
      headers: typeof etag === "string" ? { "if-match": etag } : {},
    },
    options,
  );
}

function parseWhole(what: string, answer: unknown): z.infer<typeof wholeSchema> {
  try {
    const reply = replySchema.parse(answer);
    if (reply.type !== "sync") throw new Error("an operation came where an answer was expected");
    return wholeSchema.parse(reply.metadata);
  } catch (error) {
    throw lxdError(error, what);
  }
}
