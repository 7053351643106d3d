// Makes few files of each program, as finding and reading a few hundred modules would be most of a short command's time. The
// compiled code is kept beside them, taken from a rehearsal: the daemon starts, answers some commands, and stops.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { writeParts } from "./parts.mjs";
import { ROOT, StepError, say } from "./steps.mjs";

const { CACHE_SUFFIX } = createRequire(import.meta.url)("../bin/launch.cjs");

const SHIM = "containerd-shim-process-v1";
const DOCKER_BRIDGE = "berth-docker-bridge";
const LXD_BRIDGE = "berth-lxd-bridge";
const LOG_WRITER = "berth-log-writer";
const RUNNER = "cros-tool-runner";
const TREMPLIN = "tremplin";
/** By the names that they are started under, with their rooms. */
const PROGRAMS = {
  berth: "berth",
  berthd: "berthd",
  [SHIM]: "shim-process",
  [DOCKER_BRIDGE]: "docker-bridge",
  [LXD_BRIDGE]: "lxd-bridge",
  [LOG_WRITER]: "log-writer",
  [RUNNER]: RUNNER,
  [TREMPLIN]: TREMPLIN,
};
/** Found in node_modules when they are needed: native modules, what brings some, one that reads files of its own, one that only pulls and pushes use. */
const LEFT_OUT = ["better-sqlite3", "koffi", "dockerode", "@grpc/reflection", "undici"];
const WITHOUT_GRPC = [SHIM, DOCKER_BRIDGE, LXD_BRIDGE, LOG_WRITER];
const START_DEADLINE_MS = 20_000;

/** What `berth` reads: at every start, with its first call, for a process, for checks of what people write, for the rest, for registries
 *  and archives. @type {readonly import("./parts.mjs").Part[]} */
const BERTH_PARTS = [
  { name: "berth", entries: ["/cmd/berth/main.js", "/cmd/berth/report.js"] },
  { name: "berth-calls", entries: ["/api/client/connect.js", "/commands/version.js"] },
  { name: "berth-run", entries: ["/commands/run.js", "/commands/tasks/exec.js", "/client/run/run.js"] },
  { name: "berth-checks", entries: ["/zod/v4/core/schemas.js"] },
  {
    name: "berth-more",
    entries: ["/commands/tasks/ls.js", "/commands/images/ls.js", "/commands/stats.js"],
    rest: true,
  },
  { name: "berth-images", entries: ["/commands/images/pull.js"] },
];

/** Writes `bundle/<program>.cjs` into a folder of compiled files. @param {string} dist */
export async function bundlePrograms(dist) {
  for (const [name, room] of Object.entries(PROGRAMS)) {
    const main = join(dist, "cmd", room, "main.js");
    /** @type {typeof BERTH_PARTS} */
    const parts = name === "berth" ? BERTH_PARTS : [{ name, entries: ["/main.js"], rest: true }];
    // The generated code asks for gRPC even where nothing of it is used; these are started often, and stay in memory.
    const alias = WITHOUT_GRPC.includes(name) ? { "@grpc/grpc-js": join(ROOT, "scripts", "no-grpc.cjs") } : {};
    await writeParts(main, join(dist, "bundle"), parts, { alias, external: LEFT_OUT });
  }
}

/** Runs the programs so that each leaves its compiled code, which names the place of its source. @param {string} dist */
export async function rehearsePrograms(dist) {
  const folder = join(dist, "bundle");
  const dir = mkdtempSync(join(tmpdir(), "berth-build-"));
  const address = join(dir, "b.sock");
  const where = { folder, dir };
  const daemon = start(where, "berthd", "--root", join(dir, "root"), "--state", join(dir, "state"), "-a", address);
  try {
    await untilThere(address, daemon);
    await ended(start(where, "berth", "-a", address, "version"));
    const read = BERTH_PARTS.filter(({ name }) => existsSync(join(folder, `${name}.cjs${CACHE_SUFFIX}`)));
    if (read.length !== 2) throw new StepError(`berth version reads ${read.map(({ name }) => name).join(", ")}`);
    for (const { name } of read) rmSync(join(folder, `${name}.cjs${CACHE_SUFFIX}`));
    // No shim has this name, so nothing is started, and nothing of it stays.
    const run = ["run", "--rm", "--runtime", "io.berth.rehearsal.v1", "--rootfs", dir, "rehearsal", "true"];
    await ended(start(where, "berth", "-a", address, ...run));
    await ended(start(where, "berth", "-a", address, "tasks", "ls"));
    // Nobody is there.
    await ended(start(where, "berth", "-a", address, "images", "pull", "localhost:1/rehearsal:1"));
    daemon.kill("SIGTERM");
    await ended(daemon);
    const name = "rehearsal";
    await rehearseDetached(start(where, SHIM, "-namespace", name, "-id", name, "-address", address, "serve"));
    for (const program of [DOCKER_BRIDGE, LXD_BRIDGE, LOG_WRITER]) {
      await rehearseDetached(start(where, program, join(dir, `${program}.sock`)));
    }
    await rehearseRunner(where);
    await rehearseTremplin(where);
  } finally {
    daemon.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
  }
  const isKept = Object.keys(PROGRAMS).every((name) => existsSync(join(folder, `${name}.cjs${CACHE_SUFFIX}`)));
  if (!isKept) say("no compiled code beside the bundles: the programs start slower");
}

/** It serves, and ends when it is told to. @param {{ folder: string, dir: string }} where */
async function rehearseRunner(where) {
  const dir = join(where.dir, RUNNER);
  const address = join(dir, "r.sock");
  const places = ["--root", join(dir, "root"), "--state", join(dir, "state"), "--address", address];
  const runner = start(where, RUNNER, "serve", "--port", "0", ...places);
  try {
    await untilThere(address, runner);
    runner.kill("SIGTERM");
    await ended(runner);
  } finally {
    runner.kill("SIGKILL");
  }
}

/** It serves, tells a listener so, and ends when it is told to. The listener leaves nothing: what it needs is less. @param {{ folder: string, dir: string }} where */
async function rehearseTremplin(where) {
  const dir = join(where.dir, TREMPLIN);
  const [listening, serving] = [join(dir, "l.sock"), join(dir, "t.sock")];
  const listener = start(where, TREMPLIN, "listen", "--address", `unix:${listening}`);
  const addresses = ["--listener", `unix:${listening}`, "--address", `unix:${serving}`];
  const places = ["--root", join(dir, "root"), "--state", join(dir, "state"), "--lxd-dir", join(dir, "lxd")];
  const server = start(where, TREMPLIN, "serve", ...addresses, ...places);
  try {
    await untilThere(serving, server);
    server.kill("SIGTERM");
    await ended(server);
  } finally {
    server.kill("SIGKILL");
    listener.kill("SIGKILL");
  }
}

/** @param {string} address @param {import("node:child_process").ChildProcess} program that will listen there, unless it ends */
async function untilThere(address, program) {
  for (let waited = 0; !existsSync(address) && program.exitCode === null && waited < START_DEADLINE_MS; waited += 20) {
    await delay(20);
  }
}

/** It serves, and without tasks it ends when it is told to. @param {import("node:child_process").ChildProcess} program */
async function rehearseDetached(program) {
  try {
    // It closes the pipe when it listens.
    program.stdio[3]?.on("data", () => {});
    await Promise.race([once(program, "exit"), new Promise((resolve) => program.stdio[3]?.once("close", resolve))]);
    program.kill("SIGTERM");
    await ended(program);
  } finally {
    program.kill("SIGKILL");
  }
}

/** @param {{ folder: string, dir: string }} where @param {string} program @param {string[]} args */
function start({ folder, dir }, program, ...args) {
  const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...inherited } = process.env;
  // Of a user the pipes and sockets lie there; what the rehearsal makes goes with it.
  const env = { ...inherited, XDG_RUNTIME_DIR: dir };
  const command = [join(ROOT, "scripts", "compiled-code.cjs"), folder, program, ...args];
  return spawn(process.execPath, command, { stdio: ["ignore", "ignore", "ignore", "pipe"], env });
}

/** @param {import("node:child_process").ChildProcess} child */
async function ended(child) {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}
