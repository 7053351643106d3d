// What goes over the control socket: a line of JSON each way for each request. Answers carry the request's number, in any order;
// a request may be given up by its number. Lines without a number are what the bridge has to tell: its log.
import * as z from "zod";
import { ContainerdError, ERROR_CLASSES, type ErrorKind, errorKind } from "../../../api/core/errors.js";

/** Raised with each change that the other side would not understand. */
export const PROTOCOL = 1;
/** Longer lines are none of ours. Paths are the longest that they hold. */
export const MAX_LINE_BYTES = 256 * 1024;

const key = z.string().min(1).max(1024);
const stdio = z.strictObject({ stdin: z.string(), stdout: z.string(), stderr: z.string(), terminal: z.boolean() });
const id = z.int().positive();
const stream = {
  id,
  key,
  host: z.string(),
  namespace: z.string(),
  container: z.string(),
  stdio,
};
/** Docker's own ids, which become part of a path. */
const dockerId = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/);

/** `container` is the id of ours; `host` where the engine listens. */
export const requestSchema = z.discriminatedUnion("verb", [
  z.strictObject({ verb: z.literal("hello"), id, protocol: z.int() }),
  z.strictObject({
    verb: z.literal("attach"),
    ...stream,
    dockerId,
    openStdin: z.boolean(),
    again: z.boolean(),
  }),
  z.strictObject({ verb: z.literal("exec"), ...stream, dockerId }),
  z.strictObject({ verb: z.literal("closeStdin"), id, key }),
  z.strictObject({ verb: z.literal("finished"), id, key }),
  z.strictObject({ verb: z.literal("release"), id, key }),
  z.strictObject({ verb: z.literal("keys"), id }),
  z.strictObject({ verb: z.literal("cancel"), id }),
]);
export type Request = z.infer<typeof requestSchema>;
export type StreamRequest = Extract<Request, { verb: "attach" | "exec" }>;

const LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LEVELS)[number];

const failure = z.object({ kind: z.enum(Object.keys(ERROR_CLASSES)), message: z.string() });
export const messageSchema = z.union([
  z.object({ id, value: z.array(z.string()) }),
  z.object({ id, error: failure }),
  z.object({
    log: z.object({ level: z.enum(LEVELS), message: z.string(), fields: z.record(z.string(), z.unknown()) }),
  }),
]);
/** What the bridge says. The value is empty for all requests but `keys`. */
export type Message = z.infer<typeof messageSchema>;

/** One line. */
export const encode = (value: Request | Message): string => `${JSON.stringify(value)}\n`;

/** For a line of the other side. @throws an Error for anything that is not of the schema. */
export const decode = <T>(schema: z.ZodType<T>, line: string): T => schema.parse(JSON.parse(line));

/** An error on its way. */
export const failureOf = (error: unknown): { kind: string; message: string } => ({
  kind: errorKind(error),
  message: error instanceof Error ? error.message : String(error),
});

/** An error that has arrived. */
export function errorFrom({ kind, message }: { readonly kind: string; readonly message: string }): ContainerdError {
  const isKind = (text: string): text is ErrorKind => text in ERROR_CLASSES;
  return new ContainerdError(isKind(kind) ? kind : "unknown", message);
}

/** Lines of a connection, whole. @throws an Error for one that is too long. */
export async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of source) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, end)]).toString();
      rest = [];
      restBytes = 0;
      from = end + 1;
    }
    rest.push(chunk.subarray(from));
    restBytes += chunk.length - from;
    if (restBytes > MAX_LINE_BYTES) throw new Error(`a line of more than ${MAX_LINE_BYTES} bytes`);
  }
}
