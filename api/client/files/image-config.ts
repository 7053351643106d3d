// Changes to the config of an image, as a Dockerfile writes them.
// @source Dockerfile reference; opencontainers/image-spec config.md
import * as z from "zod";
import { invalidArgument } from "../../core/errors.js";

/** One instruction that has been read. */
export type ConfigChange = (config: ConfigDocument) => ConfigDocument;

/** An image's config; members that nobody here knows stay as they are. */
export type ConfigDocument = Readonly<Record<string, unknown>>;

const EMPTY = {};
const wordsSchema = z.array(z.string());
const SHELL = ["/bin/sh", "-c"];

/** Makes one change after the other. */
export function changeConfig(config: unknown, changes: readonly ConfigChange[]): ConfigDocument {
  const document: ConfigDocument = typeof config === "object" && config !== null ? { ...config } : EMPTY;
  return changes.reduce((changed, change) => change(changed), document);
}

const INSTRUCTIONS: Readonly<Record<string, (rest: string) => ConfigChange>> = {
  CMD: (rest) => (config) => ({ ...config, Cmd: command(rest) }),
  // What an image's own entrypoint was to be told makes no sense to another one.
  ENTRYPOINT: (rest) => (config) => ({ ...config, Entrypoint: command(rest), Cmd: null }),
  ENV: (rest) => {
    const pairs = pairsOf("ENV", rest);
    return (config) => ({ ...config, Env: withVariables(config["Env"], pairs) });
  },
  EXPOSE: (rest) => {
    const ports = wordsOf(rest).map(portOf);
    return (config) => ({ ...config, ExposedPorts: withKeys(config["ExposedPorts"], ports) });
  },
  LABEL: (rest) => {
    const pairs = pairsOf("LABEL", rest);
    return (config) => ({ ...config, Labels: { ...recordOf(config["Labels"]), ...Object.fromEntries(pairs) } });
  },
  STOPSIGNAL: (rest) => {
    const StopSignal = one("STOPSIGNAL", rest);
    return (config) => ({ ...config, StopSignal });
  },
  USER: (rest) => {
    const User = one("USER", rest);
    return (config) => ({ ...config, User });
  },
  VOLUME: (rest) => (config) => ({ ...config, Volumes: withKeys(config["Volumes"], jsonWords(rest) ?? wordsOf(rest)) }),
  WORKDIR: (rest) => {
    const path = one("WORKDIR", rest);
    return (config) => ({ ...config, WorkingDir: folder(path, config["WorkingDir"]) });
  },
};

/**
 * Reads one instruction: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR, as in a Dockerfile.
 * @throws invalid_argument.
 */
export function parseConfigChange(text: string): ConfigChange {
  const [, name = "", rest = ""] = /^\s*(\S+)\s*(.*)$/s.exec(text) ?? [];
  const instruction = Object.hasOwn(INSTRUCTIONS, name.toUpperCase()) ? INSTRUCTIONS[name.toUpperCase()] : undefined;
  if (instruction === undefined) {
    throw invalidArgument(`"${text}" is no change of a config: it begins with ${Object.keys(INSTRUCTIONS).join(", ")}`);
  }
  if (rest.trim() === "") throw invalidArgument(`${name.toUpperCase()} takes an argument`);
  return instruction(rest.trim());
}

/** A list in JSON as it stands, else a line for the shell. */
const command = (rest: string): readonly string[] => jsonWords(rest) ?? [...SHELL, rest];

function jsonWords(text: string): readonly string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    return wordsSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Words apart by blanks; quotes hold them together, a backslash takes the next character as it is. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const [word] of text.matchAll(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gs)) {
    words.push(
      word.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/gs, (_, double?: string, single?: string, plain?: string) =>
        double === undefined ? (single ?? plain ?? "") : double.replace(/\\(["\\$])/g, "$1"),
      ),
    );
  }
  return words;
}

/** `KEY=VALUE …`, or `KEY VALUE` as Dockerfiles once had it. */
function pairsOf(name: string, rest: string): (readonly [string, string])[] {
  const words = wordsOf(rest);
  const [first = ""] = words;
  if (!first.includes("=")) {
    const [, key = "", value = ""] = /^(\S+)\s+(.*)$/s.exec(rest) ?? [];
    if (key === "") throw invalidArgument(`${name} takes KEY=VALUE`);
    return [[key, value]];
  }
  return words.map((word) => {
    const equals = word.indexOf("=");
    if (equals <= 0) throw invalidArgument(`${name} takes KEY=VALUE, not "${word}"`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

function withVariables(env: unknown, pairs: readonly (readonly [string, string])[]): string[] {
  const former = wordsSchema.safeParse(env);
  const variables = new Map<string, string>();
  for (const variable of former.success ? former.data : []) variables.set(variable.split("=", 1)[0] ?? "", variable);
  for (const [key, value] of pairs) variables.set(key, `${key}=${value}`);
  return [...variables.values()];
}

const recordOf = (value: unknown): object => (typeof value === "object" && value !== null ? value : EMPTY);

const withKeys = (record: unknown, keys: readonly string[]): object => ({
  ...recordOf(record),
  ...Object.fromEntries(keys.map((key) => [key, EMPTY])),
});

function portOf(word: string): string {
  const [, port = "", protocol = "tcp"] = /^(\d{1,5}(?:-\d{1,5})?)(?:\/(tcp|udp|sctp))?$/.exec(word) ?? [];
  if (port === "") throw invalidArgument(`EXPOSE takes PORT or PORT/PROTOCOL, not "${word}"`);
  return `${port}/${protocol}`;
}

function one(name: string, rest: string): string {
  const [word, ...more] = wordsOf(rest);
  if (word === undefined || more.length > 0) throw invalidArgument(`${name} takes one argument, not "${rest}"`);
  return word;
}

/** A relative one goes on from the one before. */
function folder(path: string, former: unknown): string {
  if (path.startsWith("/")) return path;
  const start = typeof former === "string" && former !== "" ? former : "/";
  return `${start === "/" ? "" : start}/${path}`;
}
