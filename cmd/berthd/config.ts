// The daemon's settings: from the file, then the environment, then the flags; the later one wins.
import { readFileSync } from "node:fs";
import { parse as parseToml, TomlError } from "smol-toml";
import * as z from "zod";
import { ContainerdError } from "../../api/core/errors.js";
import {
  completeConfig,
  type DaemonConfig,
  daemonConfigSchema,
  defaultAddress,
  defaultPlaces,
} from "../../services/daemon.js";
import { LOG_FORMATS, LOG_LEVELS, type LogOptions } from "../shared/log.js";
import { containerd2017SectionSchema } from "./containerd-2017-section.js";
import { dockerSectionSchema } from "./docker-section.js";
import { exitsSectionSchema } from "./exits-section.js";
import { gcSectionSchema } from "./gc-section.js";
import { logsSectionSchema } from "./logs-section.js";
import { lxdSectionSchema } from "./lxd-section.js";

const schema = z.strictObject({
  ...daemonConfigSchema.shape,
  logLevel: z.enum(LOG_LEVELS).default("info").describe("least level of the lines that are written"),
  logFormat: z.enum(LOG_FORMATS).default("json").describe("json for machines, pretty for people"),
});

type Settings = z.input<typeof schema>;

export interface BerthdConfig {
  readonly daemon: DaemonConfig & { readonly address: string };
  readonly log: LogOptions;
}

export interface ConfigSources {
  /** Of the command line, by setting; undefined where not given. */
  readonly flags: {
    readonly [K in "config" | "root" | "state" | "address" | "dockerHost" | "lxdSocket" | "logLevel" | "logFormat"]?:
      | string
      | undefined;
  };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
}

/** Keys of the file, with the setting each one is. */
const FILE_KEYS: Readonly<Record<string, keyof Settings>> = {
  root: "root",
  state: "state",
  address: "address",
  log_level: "logLevel",
  log_format: "logFormat",
  stop_timeout_ms: "stopTimeoutMs",
  warm_shims: "warmShims",
  parallel_layers: "parallelLayers",
  content_sharing_policy: "contentSharing",
  debug: "debug",
};

/** What the environment says that is one of a table's keys in the file. */
const ENVIRONMENT_KEYS: Readonly<Record<string, keyof Settings>> = {
  ...FILE_KEYS,
  docker_host: "dockerHost",
  lxd_socket: "lxdSocket",
};

/** Tables of the file, each with its own keys. */
const FILE_SECTIONS: Readonly<Record<string, { readonly setting: keyof Settings; readonly schema: z.ZodType }>> = {
  docker: { setting: "dockerHost", schema: dockerSectionSchema },
  lxd: { setting: "lxdSocket", schema: lxdSectionSchema },
  gc: { setting: "gc", schema: gcSectionSchema },
  exits: { setting: "exits", schema: exitsSectionSchema },
  logs: { setting: "logs", schema: logsSectionSchema },
  containerd_2017: { setting: "containerd2017", schema: containerd2017SectionSchema },
};

/** `BERTHD_LOG_LEVEL` and so on. */
const environmentName = (key: string): string => `BERTHD_${key.toUpperCase()}`;

/** @throws invalid_argument, saying where the bad setting stands. */
export function loadConfig({ flags, env, uid }: ConfigSources): BerthdConfig {
  const places = defaultPlaces(uid, env);
  const chosenFile = flags.config ?? env[environmentName("config")];
  const fromFile = readConfigFile(chosenFile ?? places.configFile, chosenFile !== undefined);
  const fromEnvironment = readEnvironment(env);
  const { config: _config, ...fromFlags } = flags;
  const settings = { ...fromFile, ...fromEnvironment, ...defined(fromFlags) };
  const { logLevel, logFormat, ...daemon } = check(settings, "settings");
  const address = daemon.address ?? defaultAddress(daemon.state ?? places.state);
  const completed = completeConfig({ ...daemon, address }, places);
  return Object.freeze({ daemon: { ...completed, address }, log: { level: logLevel, format: logFormat } });
}

function readConfigFile(path: string, isRequired: boolean): Settings {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (!isRequired && error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw bad(`cannot read config file ${path}: ${error instanceof Error ? error.message : error}`, error);
  }
  const settings = new Map<string, unknown>();
  for (const [key, value] of Object.entries(parseFile(path, text))) {
    const section = Object.hasOwn(FILE_SECTIONS, key) ? FILE_SECTIONS[key] : undefined;
    if (section !== undefined) {
      settings.set(
        section.setting,
        refusing(`${path}: [${key}]`, () => section.schema.parse(value)),
      );
      continue;
    }
    const setting = Object.hasOwn(FILE_KEYS, key) ? FILE_KEYS[key] : undefined;
    if (setting === undefined)
      throw bad(
        `${path}: unknown setting ${key}; known are ${[...Object.keys(FILE_KEYS), ...Object.keys(FILE_SECTIONS)].join(", ")}`,
      );
    settings.set(setting, value);
  }
  const values: Settings = Object.fromEntries(settings);
  check(values, path);
  return values;
}

function parseFile(path: string, text: string): Record<string, unknown> {
  try {
    return parseToml(text);
  } catch (error) {
    if (error instanceof TomlError)
      throw bad(`${path}:${error.line}:${error.column}: ${error.message.split("\n", 1)[0]}`, error);
    throw error;
  }
}

function readEnvironment(env: ConfigSources["env"]): Settings {
  const settings = new Map<string, unknown>();
  for (const [key, setting] of Object.entries(ENVIRONMENT_KEYS)) {
    const text = env[environmentName(key)];
    if (text === undefined) continue;
    const values: Settings = { [setting]: fromText(setting, text) };
    check(values, environmentName(key));
    settings.set(setting, values[setting]);
  }
  return Object.fromEntries(settings);
}

/** Numbers and booleans come as text from the environment. */
function fromText(setting: keyof Settings, text: string): unknown {
  if ((setting === "stopTimeoutMs" || setting === "warmShims") && /^\d+$/.test(text)) return Number(text);
  if (setting === "debug" && (text === "true" || text === "false")) return text === "true";
  return text;
}

const defined = (flags: object): object =>
  Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));

const check = (settings: object, place: string): z.output<typeof schema> =>
  refusing(place, () => schema.parse(settings));

function refusing<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const issues = error.issues.map(({ path, message }) =>
      path.length > 0 ? `${path.join(".")}: ${message}` : message,
    );
    throw bad(`${place}: ${issues.join("; ")}`, error);
  }
}

const bad = (message: string, cause?: unknown): ContainerdError =>
  new ContainerdError("invalid_argument", message, { cause });
