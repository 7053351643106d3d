// A throw-away place to run things in: a folder with a berthd of its own, a namespace nobody else uses, and as root a busybox root
// filesystem and a greeting to put over it. Ending it takes away everything that containers and processes made on the host, also when
// they or the daemon failed half-way.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findBinary, must, ROOT, run, StepError } from "./steps.mjs";

const ROOTFS_FOLDERS = ["bin", "dev", "etc", "proc", "root", "run", "sys", "tmp"];
const READY_TIMEOUT_MS = 15_000;
const END_TIMEOUT_MS = 10_000;
const PAUSE_MS = 50;
/** What runc and the clients keep outside our folder, below a folder by namespace or with the container's id in the name. */
const RUNC_STATE = "/run/containerd/runc";
const FIFO_FOLDERS = ["/run/containerd/fifo", "/run/berth/fifo"];
const CGROUPS = "/sys/fs/cgroup";

/** @param {string} folder @returns {string[]} */
function names(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Runs `remove` for a thing that may be gone already. @param {() => void} remove */
function attempt(remove) {
  try {
    remove();
  } catch {
    // It is gone, or still in use by a process that ends by itself.
  }
}

/** Waits until `isDone` says yes. @param {() => boolean | Promise<boolean>} isDone @param {number} timeoutMs */
async function until(isDone, timeoutMs) {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    if (await isDone()) return true;
    await sleep(PAUSE_MS);
  }
  return await isDone();
}

/** Busybox with a link for each of its programs. @param {string} folder */
async function makeRootfs(folder) {
  for (const name of ROOTFS_FOLDERS) mkdirSync(join(folder, name), { recursive: true });
  const busybox = findBinary("busybox");
  if (busybox === undefined) throw new StepError("needs the program busybox (Debian: busybox-static)");
  copyFileSync(busybox, join(folder, "bin", "busybox"));
  const applets = (await must(busybox, ["--list"], { quiet: true })).split("\n").map((line) => line.trim());
  for (const applet of applets) {
    if (applet !== "" && applet !== "busybox") symlinkSync("busybox", join(folder, "bin", applet));
  }
  writeFileSync(join(folder, "etc", "passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  writeFileSync(join(folder, "etc", "group"), "root:x:0:\n");
}

/** Pids of the processes that have `word` as a word of their command line. @param {string} word */
function pidsWithWord(word) {
  return names("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(word);
    } catch {
      return false;
    }
  });
}

export class Playground {
  folder = mkdtempSync(join(tmpdir(), "berth-start-"));
  namespace = `start-${randomBytes(4).toString("hex")}`;
  /** Unlike anybody else's, since FIFOs are told apart by it. */
  id = `hello-${randomBytes(4).toString("hex")}`;
  rootfs = join(this.folder, "rootfs");
  /** Folders that make an image, the lowest layer first. */
  layers = [this.rootfs, join(this.folder, "greeting")];
  /** A user's sockets and pipes, which are elsewhere for root. */
  #runtimeDir = join(this.folder, "run");
  address = join(this.folder, "berth.sock");
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #daemon;
  #log = "";
  #ended = false;
  #isRoot;

  /** @param {{ isRoot: boolean }} who containers take root; without it there are processes of the host */
  constructor({ isRoot }) {
    this.#isRoot = isRoot;
    if (isRoot) return;
    mkdirSync(this.#runtimeDir, { mode: 0o700 });
    // For the daemon and for every command.
    process.env["XDG_RUNTIME_DIR"] = this.#runtimeDir;
  }

  /** The words of `berth run` that name what is run, before its program. */
  get target() {
    return this.#isRoot ? ["--rootfs", this.rootfs, this.id] : [this.id];
  }

  /** Makes the root filesystem, starts the daemon and waits until it answers. */
  async begin() {
    if (this.#isRoot) await this.#makeLayers();
    const args = [
      "--root",
      join(this.folder, "root"),
      "--state",
      join(this.folder, "state"),
      "--address",
      this.address,
    ];
    // In a process group of its own: Ctrl-C is for us, and we end the daemon when its containers are gone.
    const daemon = spawn(process.execPath, [join(ROOT, "bin", "berthd"), ...args, "--log-level", "warn"], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#daemon = daemon;
    for (const stream of [daemon.stdout, daemon.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        this.#log += text;
      });
    }
    const ready = await until(async () => {
      if (daemon.exitCode !== null || daemon.signalCode !== null) throw new StepError(`berthd ended:\n${this.#log}`);
      return this.#ended || (await this.berth(["version"])).status === 0;
    }, READY_TIMEOUT_MS);
    if (!ready) throw new StepError(`berthd did not answer within ${READY_TIMEOUT_MS / 1000} s:\n${this.#log}`);
  }

  async #makeLayers() {
    await makeRootfs(this.rootfs);
    for (const folder of this.layers.slice(1)) {
      mkdirSync(join(folder, "etc"), { recursive: true });
      writeFileSync(
        join(folder, "etc", "motd"),
        "hello from an image that was made, served and pulled on this machine\n",
      );
    }
  }

  /** What the daemon has logged. */
  get log() {
    return this.#log;
  }

  /** The words of a `berth` command for this daemon, to be spawned. @param {readonly string[]} args @returns {[string, string[]]} */
  command(args) {
    return [process.execPath, [join(ROOT, "bin", "berth"), "-a", this.address, "-n", this.namespace, ...args]];
  }

  /** Runs a `berth` command to its end and collects what it prints. @param {readonly string[]} args */
  berth(args) {
    const [file, words] = this.command(args);
    return run(file, words, { quiet: true });
  }

  /**
   * Ends containers and daemon and removes what they made. Safe to call twice.
   * @throws StepError naming what is left all the same.
   */
  async end() {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#daemon !== undefined && this.#daemon.exitCode === null) {
      await this.#removeContainer();
      await this.#endDaemon(this.#daemon);
    }
    await this.#sweep();
    rmSync(this.folder, { recursive: true, force: true });
    const left = this.#leftovers();
    if (left.length > 0) throw new StepError(`left behind: ${left.join(", ")}`);
  }

  /** What still carries our marks. */
  #leftovers() {
    const processes = [...pidsWithWord(this.address), ...pidsWithWord(this.namespace)].map((pid) => `process ${pid}`);
    const mounts = this.#mounts().map((target) => `mount ${target}`);
    const folders = [join(RUNC_STATE, this.namespace), ...this.#cgroups(), ...this.#fifoFolders()];
    return [...processes, ...mounts, ...folders.filter((path) => existsSync(path))];
  }

  /** Mount points below our folder, the innermost first. */
  #mounts() {
    const lines = readFileSync("/proc/self/mounts", "utf8").split("\n");
    const targets = lines.map((line) => line.split(" ")[1] ?? "");
    return targets.filter((target) => target.startsWith(`${this.folder}/`)).reverse();
  }

  /** The cgroups of our namespace, there or not. */
  #cgroups() {
    const parents = [CGROUPS, ...names(CGROUPS).map((name) => join(CGROUPS, name))];
    return parents.map((parent) => join(parent, this.namespace));
  }

  /** Folders that hold FIFOs of our container. */
  #fifoFolders() {
    const all = FIFO_FOLDERS.flatMap((folder) => names(folder).map((name) => join(folder, name)));
    return all.filter((path) => names(path).some((fifo) => fifo.startsWith(this.id)));
  }

  /** The orderly way, through the daemon; there may be nothing to remove. */
  async #removeContainer() {
    if ((await this.berth(["containers", "info", this.id])).status !== 0) return;
    await this.berth(["tasks", "rm", "--force", this.id]);
    await this.berth(["containers", "rm", this.id]);
  }

  /** @param {import("node:child_process").ChildProcess} daemon */
  async #endDaemon(daemon) {
    const isOver = () => daemon.exitCode !== null || daemon.signalCode !== null;
    daemon.kill("SIGTERM");
    if (await until(isOver, END_TIMEOUT_MS)) return;
    daemon.kill("SIGKILL");
    await until(isOver, END_TIMEOUT_MS);
  }

  /** Whatever the orderly way left: containers that runc knows, shims, mounts, FIFOs, the empty folders of the namespace. */
  async #sweep() {
    const state = join(RUNC_STATE, this.namespace);
    for (const id of names(state)) await run("runc", ["--root", state, "delete", "--force", id], { quiet: true });
    // A shim that was told to shut down needs a moment; one that was not is ended.
    const areGone = () => pidsWithWord(this.namespace).length === 0 || pidsWithWord(this.address).length === 0;
    if (!(await until(areGone, 2_000))) {
      for (const pid of pidsWithWord(this.address)) attempt(() => process.kill(Number(pid), "SIGKILL"));
      await until(areGone, END_TIMEOUT_MS);
    }
    for (const target of this.#mounts()) await run("umount", ["-l", target], { quiet: true });
    for (const path of this.#fifoFolders()) attempt(() => rmSync(path, { recursive: true }));
    attempt(() => rmSync(state, { recursive: true }));
    for (const own of this.#cgroups()) {
      for (const id of names(own)) attempt(() => rmdirSync(join(own, id)));
      attempt(() => rmdirSync(own));
    }
  }
}
