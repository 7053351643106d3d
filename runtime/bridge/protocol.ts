// What goes over the control socket: a line of JSON each way for each request. Answers carry the request's number, in any order;
// a request may be given up by its number. Lines without a number are what the bridge has to tell: its log.
import * as z from "zod";
import { ContainerdError, ERROR_CLASSES, type ErrorKind, errorKind } from "../../api/core/errors.js";

/** Raised with each change that the other side would not understand. */
export const PROTOCOL = 2;
/** Longer lines are none of ours. Paths are the longest that they hold. */
export const MAX_LINE_BYTES = 256 * 1024;

const key = z.string().min(1).max(1024);
const stdio = z.strictObject({ stdin: z.string(), stdout: z.string(), stderr: z.string(), terminal: z.boolean() });
const id = z.int().positive();
const count = z.int().min(0).max(65_535);

/** `container` is the id of ours; `target` what the stream leads to, in the words of this bridge's engine; `again`: it was open before. */
export const requestSchema = z.discriminatedUnion("verb", [
  z.strictObject({ verb: z.literal("hello"), id, protocol: z.int() }),
  z.strictObject({
    verb: z.literal("open"),
    id,
    key,
    namespace: z.string(),
    container: z.string(),
    stdio,
    again: z.boolean(),
    target: z.unknown(),
  }),
  z.strictObject({ verb: z.literal("closeStdin"), id, key }),
  z.strictObject({ verb: z.literal("kill"), id, key, signal: z.int().min(1).max(64) }),
  z.strictObject({ verb: z.literal("resize"), id, key, columns: count, rows: count }),
  z.strictObject({ verb: z.literal("exit"), id, key }),
  z.strictObject({ verb: z.literal("finished"), id, key }),
  z.strictObject({ verb: z.literal("release"), id, key }),
  z.strictObject({ verb: z.literal("keys"), id }),
  z.strictObject({ verb: z.literal("cancel"), id }),
]);
export type Request = z.infer<typeof requestSchema>;
export type StreamRequest = Extract<Request, { verb: "open" }>;

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
/** What the bridge says. The value is empty for all requests but `keys` and `exit`. */
export type Message = z.infer<typeof messageSchema>;

/** One line. */
export const encode = (value: Request | Message): string => `${JSON.stringify(value)}\n`;

/** For a line of the other side. @throws an Error for anything that is not of the schema. */
export const decode = <T>(schema: z.ZodType<T>, line: string): T => schema.parse(JSON.parse(line));

/** How a process ended. */
export interface StreamExit {
  readonly exitStatus: number;
  /** Nanoseconds since 1970. */
  readonly exitedAtNs: bigint;
  /** What the engine says of a program that was not run. */
  readonly refusal?: string;
}

/** As the value of an answer. */
export const encodeExit = ({ exitStatus, exitedAtNs, refusal }: StreamExit): string[] => [
  String(exitStatus),
  String(exitedAtNs),
  ...(refusal === undefined ? [] : [refusal]),
];

/** Back from there. */
export function decodeExit([status = "", at = "", refusal]: readonly string[]): StreamExit {
  return { exitStatus: Number(status), exitedAtNs: BigInt(at), ...(refusal === undefined ? {} : { refusal }) };
}

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
