import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ConfigSources, loadConfig } from "./config.js";

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "bt-"));
  file = join(dir, "berthd.toml");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const load = (sources: Partial<ConfigSources>) => loadConfig({ flags: {}, env: {}, uid: 0, ...sources });
const loadText = (text: string, sources: Partial<ConfigSources> = {}) => {
  writeFileSync(file, text);
  return load({ ...sources, flags: { config: file, ...sources.flags } });
};

describe("places", () => {
  test("of root", () => {
    expect(load({ flags: { config: undefined }, env: { BERTHD_CONFIG: undefined } }).daemon).toMatchObject({
      root: "/var/lib/berth",
      state: "/run/berth",
      address: "/run/berth/berth.sock",
    });
  });

  test("of a user", () => {
    const env = { HOME: "/home/u", XDG_RUNTIME_DIR: "/run/user/7" };
    expect(load({ uid: 7, env }).daemon).toMatchObject({
      root: "/home/u/.local/share/berth",
      state: "/run/user/7/berth",
      address: "/run/user/7/berth/berth.sock",
    });
    const moved = { ...env, XDG_DATA_HOME: "/data", XDG_CONFIG_HOME: dir };
    expect(load({ uid: 7, env: moved }).daemon.root).toBe("/data/berth");
  });

  test("the socket follows the state folder", () => {
    expect(load({ flags: { state: "/s" } }).daemon.address).toBe("/s/berth.sock");
  });
});

describe("precedence", () => {
  const text = 'root = "/file"\nstate = "/file-state"\nlog_level = "error"\nstop_timeout_ms = 7';

  test("file over default", () => {
    const { daemon, log } = loadText(text);
    expect(daemon).toMatchObject({ root: "/file", state: "/file-state", stopTimeoutMs: 7, debug: false });
    expect(log).toEqual({ level: "error", format: "json" });
  });

  test("environment over file, flags over both", () => {
    const env = { BERTHD_ROOT: "/env", BERTHD_LOG_LEVEL: "warn", BERTHD_STOP_TIMEOUT_MS: "9", BERTHD_DEBUG: "true" };
    const { daemon, log } = loadText(text, { env, flags: { config: file, root: "/flag" } });
    expect(daemon).toMatchObject({ root: "/flag", state: "/file-state", stopTimeoutMs: 9, debug: true });
    expect(log.level).toBe("warn");
  });
});

test("the sample file shows every setting with its default", () => {
  const sample = readFileSync(new URL("../../packaging/config.toml", import.meta.url), "utf8");
  expect(loadText(sample.replaceAll(/^#(?=[a-z_]+ = |\[)/gm, ""))).toEqual(loadText(""));
  for (const key of [
    "root",
    "state",
    "address",
    "log_level",
    "log_format",
    "stop_timeout_ms",
    "warm_shims",
    "parallel_layers",
    "content_sharing_policy",
    "debug",
    "pause_threshold",
    "deletion_threshold",
    "mutation_threshold",
    "schedule_delay",
    "startup_delay",
    "host",
    "socket",
    "namespace",
    "snapshotter",
  ]) {
    expect(sample).toMatch(new RegExp(`^#${key} = `, "m"));
  }
});

describe("the docker engine", () => {
  const text = '[docker]\nhost = "tcp://file:1"';

  test("is nobody's unless somebody says so", () => {
    expect(load({ env: { DOCKER_HOST: "nonsense" } }).daemon.dockerHost).toBeUndefined();
    expect(loadText("[docker]").daemon.dockerHost).toBeUndefined();
    expect(loadText('[docker]\nhost = ""').daemon.dockerHost).toBeUndefined();
  });

  test("environment over file, flag over both", () => {
    const env = { BERTHD_DOCKER_HOST: "unix:///env" };
    expect(loadText(text).daemon.dockerHost).toBe("tcp://file:1");
    expect(loadText(text, { env }).daemon.dockerHost).toBe("unix:///env");
    const flags = { config: file, dockerHost: "tcp://flag" };
    expect(loadText(text, { env, flags }).daemon.dockerHost).toBe("tcp://flag");
  });
});

describe("the socket of LXD", () => {
  const text = '[lxd]\nsocket = "/file/unix.socket"';

  test("is the usual one unless somebody says so", () => {
    expect(loadText("[lxd]").daemon.lxdSocket).toBeUndefined();
    expect(loadText('[lxd]\nsocket = ""').daemon.lxdSocket).toBeUndefined();
  });

  test("environment over file, flag over both", () => {
    const env = { BERTHD_LXD_SOCKET: "/env" };
    expect(loadText(text).daemon.lxdSocket).toBe("/file/unix.socket");
    expect(loadText(text, { env }).daemon.lxdSocket).toBe("/env");
    expect(loadText(text, { env, flags: { config: file, lxdSocket: "/flag" } }).daemon.lxdSocket).toBe("/flag");
  });
});

describe("the API of 2017", () => {
  test("is off unless it has an address", () => {
    expect(loadText("").daemon.containerd2017).toBeUndefined();
    expect(loadText('[containerd_2017]\nnamespace = "x"').daemon.containerd2017).toBeUndefined();
  });

  test("is about the namespace default and the usual snapshotter, or others", () => {
    const text = '[containerd_2017]\naddress = "/a.sock"';
    const snapshotter = process.getuid?.() === 0 ? "overlayfs" : "native";
    expect(loadText(text).daemon.containerd2017).toEqual({ address: "/a.sock", namespace: "default", snapshotter });
    expect(loadText(`${text}\nnamespace = "n"\nsnapshotter = "s"`).daemon.containerd2017).toEqual({
      address: "/a.sock",
      namespace: "n",
      snapshotter: "s",
    });
  });
});

describe("the collector's times", () => {
  test("are as containerd writes them", () => {
    const text =
      '[gc]\npause_threshold = 0.1\nschedule_delay = "1.5s"\nstartup_delay = "250us"\nmutation_threshold = 7';
    expect(loadText(text).daemon.gc).toEqual({
      pauseThreshold: 0.1,
      deletionThreshold: 0,
      mutationThreshold: 7,
      scheduleDelayMs: 1_500,
      startupDelayMs: 0.25,
    });
  });

  test("out of bounds are moved into them", () => {
    const text = '[gc]\npause_threshold = 3\nschedule_delay = "-1s"\ndeletion_threshold = -1\nmutation_threshold = -5';
    expect(loadText(text).daemon.gc).toMatchObject({
      pauseThreshold: 0.5,
      deletionThreshold: 0,
      mutationThreshold: 0,
      scheduleDelayMs: 0,
    });
  });
});

describe("refusals", () => {
  test.each([
    ["an unknown setting", "colour = 1", /berthd\.toml: unknown setting colour; known are root, state,/],
    ["a setting of the prototype", "constructor = 1", /unknown setting constructor/],
    ["a wrong type", "root = 1", /berthd\.toml: root: /],
    ["an engine of no known form", '[docker]\nhost = "ssh://h"', /berthd\.toml: dockerHost: must be unix:/],
    ["an unknown setting of the engine", "[docker]\nport = 1", /berthd\.toml: \[docker\]: /],
    ["a relative socket of LXD", '[lxd]\nsocket = "x"', /berthd\.toml: lxdSocket: must be an absolute path/],
    [
      "a namespace that is none",
      '[containerd_2017]\naddress = "/a"\nnamespace = "a/b"',
      /containerd2017\.namespace: must be/,
    ],
    ["a relative address of the API of 2017", '[containerd_2017]\naddress = "a"', /containerd2017\.address: must be/],
    ["an unknown setting of LXD", "[lxd]\nport = 1", /berthd\.toml: \[lxd\]: /],
    ["a relative folder", 'root = "x"', /berthd\.toml: root: must be an absolute path/],
    [
      "a socket path that is too long",
      `address = "/${"x".repeat(101)}"`,
      /address: must be a path of at most 101 bytes/,
    ],
    ["an unknown level", 'log_level = "loud"', /berthd\.toml: logLevel: /],
    ["a negative timeout", "stop_timeout_ms = -1", /stopTimeoutMs: /],
    ["a time without a unit", '[gc]\nstartup_delay = "5"', /berthd\.toml: \[gc\]: startup_delay: must be a duration/],
    ["an unknown time", "[gc]\nspeed = 1", /berthd\.toml: \[gc\]: .*speed/],
    ["a section that is none", "gc = 1", /berthd\.toml: \[gc\]: /],
    ["a line that is no TOML", "root = ", /berthd\.toml:1:\d+: /],
  ])("%s, with its place", (_, text, message) => {
    expect(() => loadText(text)).toThrow(expect.objectContaining({ kind: "invalid_argument" }));
    expect(() => loadText(text)).toThrow(message);
  });

  test("a file that was asked for and is missing", () => {
    expect(() => load({ flags: { config: "/nope/x.toml" } })).toThrow(/cannot read config file \/nope\/x.toml: ENOENT/);
  });

  test("a bad variable by its name, a bad flag as a setting", () => {
    expect(() => loadText("", { env: { BERTHD_ROOT: "x" } })).toThrow(/^BERTHD_ROOT: root: must be an absolute path/);
    expect(() => loadText("", { flags: { config: file, logFormat: "xml" } })).toThrow(/^settings: logFormat: /);
  });

  test("a state folder whose socket path would be too long", () => {
    expect(() => loadText("", { flags: { config: file, state: `/${"x".repeat(100)}` } })).toThrow(/at most 101 bytes/);
  });
});
