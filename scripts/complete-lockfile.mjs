// Completes package-lock.json after `npm install`: a registry that does not serve the binary packages of every platform makes
// npm leave those optional dependencies out, and `npm ci` then refuses the lockfile. This adds an entry for each, read off
// the package's name. `--check` changes nothing and fails when something would be added.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { main, ROOT, StepError, say } from "./steps.mjs";

/**
 * @typedef {{ version?: string, dev?: boolean, optional?: boolean, os?: string[], cpu?: string[], libc?: string[],
 *   optionalDependencies?: Record<string, string> }} Entry
 */

const LOCKFILE = join(ROOT, "package-lock.json");
const EXACT_VERSION = /^\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/;
const SYSTEMS = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
/** Spellings in package names, as Node calls the processor. @type {Record<string, string>} */
const PROCESSORS = {
  aarch64: "arm64",
  arm: "arm",
  arm64: "arm64",
  armv6: "arm",
  armv7: "arm",
  ia32: "ia32",
  loong64: "loong64",
  mips64el: "mips64el",
  ppc64: "ppc64",
  ppc64le: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
  x64: "x64",
};

/** The platform that a package's name tells of. @param {string} name @returns {Pick<Entry, "os" | "cpu" | "libc">} */
export function platformOf(name) {
  const words = name.replace(/^@[^/]+\//, "").split("-");
  const os = words.map((word) => (word === "windows" ? "win32" : word)).find((word) => SYSTEMS.includes(word));
  const cpu = words.map((word) => PROCESSORS[word]).find((word) => word !== undefined);
  const libc = words.some((word) => word.startsWith("musl"))
    ? "musl"
    : os === "linux" && words.some((word) => word.startsWith("gnu") || word === "glibc")
      ? "glibc"
      : undefined;
  return { ...(os && { os: [os] }), ...(cpu && { cpu: [cpu] }), ...(libc && { libc: [libc] }) };
}

/**
 * The entries that a lockfile lacks, by their path in it.
 * @param {Record<string, Entry>} packages
 * @returns {Record<string, Entry>}
 */
export function missingEntries(packages) {
  /** @type {Record<string, Entry>} */
  const missing = {};
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!EXACT_VERSION.test(version) || isLocked(packages, path, name)) continue;
      missing[`node_modules/${name}`] = {
        version,
        ...(entry.dev && { dev: true }),
        optional: true,
        ...platformOf(name),
      };
    }
  }
  return missing;
}

/** Whether Node's lookup from `path` upwards meets the package. @param {Record<string, Entry>} packages @param {string} path @param {string} name */
function isLocked(packages, path, name) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    if (`${folder === "" ? "" : `${folder}/`}node_modules/${name}` in packages) return true;
    if (folder === "") return false;
  }
}

if (process.argv[1] === import.meta.filename) {
  await main(async () => {
    const lockfile = JSON.parse(readFileSync(LOCKFILE, "utf8"));
    const missing = missingEntries(lockfile.packages);
    const names = Object.keys(missing);
    if (names.length === 0) return say("package-lock.json is complete");
    if (process.argv.includes("--check")) {
      throw new StepError(`package-lock.json lacks ${names.join(", ")}: run node scripts/complete-lockfile.mjs`);
    }
    const all = Object.entries({ ...lockfile.packages, ...missing });
    lockfile.packages = Object.fromEntries(all.sort(([a], [b]) => a.localeCompare(b, "en")));
    writeFileSync(LOCKFILE, `${JSON.stringify(lockfile, null, 2)}\n`);
    say(`added to package-lock.json: ${names.join(", ")}`);
  });
}
