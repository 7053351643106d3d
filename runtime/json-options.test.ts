// Options as JSON, whichever way they come.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import * as z from "zod";
import { type Any, anyOfJson, anyOfMessage, RUNC_OPTIONS_TYPE } from "../api/core/typeurl.js";
import { Options as GenericOptions } from "../api/gen/types/runtimeoptions/v1/api.js";
import { parseJsonOptions } from "./json-options.js";
import { makeFifo } from "./sys/fifo.js";

const NAME = "example.Options";
const SCHEMA = z.strictObject({ level: z.number().default(1) });
const dir = mkdtempSync(join(tmpdir(), "bt-options-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const parse = (options: Any | undefined) => parseJsonOptions(options, NAME, SCHEMA);
const generic = (options: Partial<GenericOptions>): Any =>
  anyOfMessage("runtimeoptions.v1.Options", GenericOptions, GenericOptions.fromPartial(options));

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

test.each<[string, Any | undefined]>([
  ["none", undefined],
  ["none of a type", { typeUrl: "", value: Buffer.from("x") }],
  ["empty ones", { typeUrl: NAME, value: Buffer.alloc(0) }],
  ["empty ones of runc", { typeUrl: RUNC_OPTIONS_TYPE, value: Buffer.alloc(0) }],
  ["a configuration without any", generic({ typeUrl: "x" })],
])("%s are the defaults", (_what, options) => {
  expect(parse(options)).toEqual({ level: 1 });
});

test.each<[string, Any]>([
  ["under their own type", anyOfJson(NAME, { level: 5 })],
  ["with something before it", anyOfJson(`types.example.com/${NAME}`, { level: 5 })],
  ["by value", generic({ configBody: Buffer.from('{"level":5}') })],
  ["by path", generic({ configPath: file("good.json", '{"level":5}') })],
])("%s they count", (_what, options) => {
  expect(parse(options)).toEqual({ level: 5 });
});

test.each<[string, () => Any, string]>([
  [
    "of another type",
    () => anyOfJson("other.Options", {}),
    'runtime options of type "other.Options" are not for this runtime',
  ],
  ["of runc, not empty", () => anyOfJson(RUNC_OPTIONS_TYPE, {}), 'of type "containerd.runc.v1.Options" are not for'],
  ["no JSON", () => ({ typeUrl: NAME, value: Buffer.from("{") }), "runtime options are not JSON"],
  ["of another form", () => anyOfJson(NAME, { level: "x" }), "runtime options: level: "],
  ["with more", () => anyOfJson(NAME, { more: 1 }), 'runtime options: Unrecognized key: "more"'],
  ["no message", () => ({ typeUrl: "runtimeoptions.v1.Options", value: Buffer.from([255]) }), "cannot be read"],
  [
    "in no file",
    () => generic({ configPath: join(dir, "none") }),
    `open ${join(dir, "none")}: no such file or directory`,
  ],
  ["in a folder", () => generic({ configPath: dir }), "is no file of at most 1048576 bytes"],
  ["in a large file", () => generic({ configPath: file("large", " ".repeat(1_048_577)) }), "is no file of at most"],
])("%s they are an error", (_what, options, message) => {
  expect(() => parse(options())).toThrow(
    expect.objectContaining({ kind: "invalid_argument", message: expect.stringContaining(message) }),
  );
});

test("nobody waits for a FIFO", () => {
  const path = join(dir, "fifo");
  makeFifo(path, 0o600);
  expect(() => parse(generic({ configPath: path }))).toThrow("is no file of at most");
});
