// Brings what the project needs and is not there yet: npm packages, and as root Debian's packages of the runtime. It looks
// first, says what it installs, and removes nothing. `node scripts/bring.mjs` runs it alone; start and test run it first.
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { findBinary, main, must, ROOT, run, StepError, say } from "./steps.mjs";

/** Which Debian package brings which programs. */
const DEBIAN_PACKAGES = {
  runc: ["runc"],
  containerd: ["containerd", "ctr", "containerd-shim-runc-v2"],
  "busybox-static": ["busybox"],
};

/**
 * What only the tests need: strace looks on while the daemon syncs; a real registry, and strangers that speak to it and make images;
 * Docker's engine, on our socket and below our driver, in networks of its own; Podman, which speaks Docker's language; LXD, whose
 * bridges give addresses by dnsmasq; debootstrap, which makes a Debian with systemd for it; shells, which complete what one types;
 * tmux, on whose screen one sees what a person sees.
 */
const TEST_PACKAGES = {
  strace: ["strace"],
  "docker-registry": ["docker-registry"],
  skopeo: ["skopeo"],
  openssl: ["openssl"],
  umoci: ["umoci"],
  "docker.io": ["dockerd"],
  podman: ["podman", "conmon"],
  "containernetworking-plugins": ["/usr/lib/cni/bridge"],
  lxd: ["lxd", "lxc"],
  "dnsmasq-base": ["dnsmasq"],
  debootstrap: ["debootstrap"],
  iproute2: ["ip"],
  iptables: ["iptables"],
  zsh: ["zsh"],
  fish: ["fish"],
  tmux: ["tmux"],
};

/** Asked by Debian's packages before they start a service; 101 says no. */
const POLICY_FILE = "/usr/sbin/policy-rc.d";

/** Whether node_modules is missing or older than the lockfile. npm writes its own lockfile copy at the end of an install. */
export function needsNpmPackages() {
  const installed = join(ROOT, "node_modules", ".package-lock.json");
  const lockfile = join(ROOT, "package-lock.json");
  return !existsSync(installed) || statSync(installed).mtimeMs < statSync(lockfile).mtimeMs;
}

/** Runs `npm ci` when it is needed. better-sqlite3 is compiled here, which takes about a minute. */
export async function bringNpmPackages() {
  if (!needsNpmPackages()) return;
  say("npm packages are missing or older than package-lock.json: npm ci (about a minute, better-sqlite3 is compiled)");
  // Without the variable better-sqlite3 first tries to download a binary.
  await must("npm", ["ci", "--no-fund", "--no-audit"], {
    env: { npm_config_build_from_source: "true", ...headersEnvironment() },
  });
}

/**
 * Tells node-gyp where this Node's headers are, when they were installed with it: no user then has to download them or to configure
 * npm. What the caller has set stands.
 * @returns {Record<string, string>}
 */
export function headersEnvironment(node = process.execPath) {
  if (process.env["npm_config_nodedir"] !== undefined) return {};
  const prefix = dirname(dirname(node));
  const folder = join(prefix, "include", "node");
  if (!existsSync(join(folder, "node.h"))) return {};
  // Headers of another release would compile, and crash later.
  return versionOfHeaders(join(folder, "node_version.h")) === process.versions.node
    ? { npm_config_nodedir: prefix }
    : {};
}

/** @param {string} path of node_version.h @returns {string} */
function versionOfHeaders(path) {
  if (!existsSync(path)) return "";
  const text = readFileSync(path, "utf8");
  const numbers = ["MAJOR", "MINOR", "PATCH"].map(
    (part) => new RegExp(`^#define NODE_${part}_VERSION (\\d+)`, "m").exec(text)?.[1],
  );
  return numbers.join(".");
}

/** @param {boolean} forTests @returns {Readonly<Record<string, readonly string[]>>} */
const wantedPackages = (forTests) => (forTests ? { ...DEBIAN_PACKAGES, ...TEST_PACKAGES } : DEBIAN_PACKAGES);

/** @param {string} program its name in PATH, or where it is */
const isThere = (program) => (isAbsolute(program) ? existsSync(program) : findBinary(program) !== undefined);

/** The Debian packages whose programs are not all there. */
export function missingDebianPackages(forTests = false) {
  return Object.entries(wantedPackages(forTests)).flatMap(([name, programs]) =>
    programs.every(isThere) ? [] : [name],
  );
}

/**
 * Installs the Debian packages that are missing. What is there stays, also a Docker: apt may not remove anything.
 * @throws StepError without root or apt, naming what to do.
 */
export async function bringDebianPackages({ forTests = false } = {}) {
  const missing = missingDebianPackages(forTests);
  if (missing.length === 0) return;
  const byHand = `apt-get install --no-install-recommends ${missing.join(" ")}`;
  const programs = missing.flatMap((name) => wantedPackages(forTests)[name] ?? []);
  if (findBinary("apt-get") === undefined) {
    throw new StepError(
      `needs the programs ${programs.join(", ")} in PATH; this machine has no apt-get, ` +
        `so install runc, containerd (with its runc shim) and a static busybox by its own means`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new StepError(`needs the Debian packages ${missing.join(", ")}; install them as root: ${byHand}`);
  }
  say(`installing the Debian packages ${missing.join(", ")}`);
  // A registry or an engine that starts by itself would only be in the way of those that tests start.
  const setsPolicy = forTests && !existsSync(POLICY_FILE);
  if (setsPolicy) writeFileSync(POLICY_FILE, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await install(missing);
  } finally {
    if (setsPolicy) rmSync(POLICY_FILE, { force: true });
  }
  const still = missingDebianPackages(forTests);
  if (still.length > 0)
    throw new StepError(`installed ${missing.join(", ")}, but ${still.join(", ")} brought no programs`);
}

/** @param {readonly string[]} packages */
async function install(packages) {
  const args = ["install", "-y", "--no-remove", "--no-install-recommends", ...packages];
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  // The lists of packages may be missing or old; fetch them only when an install without fails.
  const first = await run("apt-get", args, { env, quiet: true });
  if (first.status !== 0) {
    say("the package lists are missing or old: apt-get update");
    await must("apt-get", ["update", "-q"], { env, quiet: true });
    await must("apt-get", args, { env, quiet: true });
  }
}

/** @throws StepError unless this is Linux. @param {string} what needs it */
export function requireLinux(what) {
  if (process.platform !== "linux") throw new StepError(`${what} needs Linux; this is ${process.platform}`);
}

/** @throws StepError unless running as root on Linux. @param {string} what needs it */
export function requireRoot(what) {
  requireLinux(what);
  if (process.getuid?.() !== 0) {
    throw new StepError(`${what} needs root, since runc makes namespaces, mounts and cgroups: sudo -E ${what}`);
  }
}

if (process.argv[1] === import.meta.filename) {
  await main(async () => {
    await bringNpmPackages();
    if (process.getuid?.() === 0) await bringDebianPackages();
    say("what can be brought is there");
  });
}
