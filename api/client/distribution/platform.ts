// Platforms: their names, and which of an index suits a machine best.
// @source containerd/platforms
import { arch as nodeArch } from "node:process";
import { invalidArgument } from "../../core/errors.js";
import { quote } from "../../core/quote.js";

/** What an image runs on, by the names of Go. `parsePlatform` and `hostPlatform` give the one spelling that platforms are compared in. */
export interface Platform {
  /** `linux`, for example. */
  readonly os: string;
  /** `amd64`, for example. */
  readonly architecture: string;
  /** "" for none. */
  readonly variant: string;
}

const OPERATING_SYSTEMS = new Set([
  "aix",
  "android",
  "darwin",
  "dragonfly",
  "freebsd",
  "illumos",
  "ios",
  "js",
  "linux",
  "netbsd",
  "openbsd",
  "plan9",
  "solaris",
  "windows",
]);
const ARCHITECTURES = new Set([
  "386",
  "amd64",
  "arm",
  "arm64",
  "loong64",
  "mips",
  "mips64",
  "mips64le",
  "mipsle",
  "ppc64",
  "ppc64le",
  "riscv64",
  "s390x",
  "wasm",
]);

/** One spelling for each: lower case, Go's names, defaults left out. */
export function normalizePlatform({ os, architecture, variant }: Platform): Platform {
  const [arch, version] = [architecture.toLowerCase(), variant.toLowerCase()];
  const system = os.toLowerCase() === "macos" ? "darwin" : os.toLowerCase();
  const named = (name: string, its: string): Platform => ({ os: system, architecture: name, variant: its });
  switch (arch) {
    case "x86_64":
    case "x86-64":
    case "amd64":
      return named("amd64", version === "v1" ? "" : version);
    case "i386":
    case "386":
      return named("386", "");
    case "aarch64":
    case "arm64":
      return named("arm64", version === "8" || version === "v8" ? "" : version);
    case "armhf":
      return named("arm", "v7");
    case "armel":
      return named("arm", "v6");
    case "arm":
      return named("arm", version === "" || version === "7" ? "v7" : /^[568]$/.test(version) ? `v${version}` : version);
    default:
      return named(arch, version);
  }
}

/** The machine this runs on. */
export function hostPlatform(): Platform {
  const architecture = { x64: "amd64", ia32: "386" }[nodeArch as string] ?? nodeArch;
  return normalizePlatform({ os: process.platform, architecture, variant: "" });
}

const PART = /^[A-Za-z0-9_-]+$/;

/** `os/arch[/variant]`, or one word that names either. @throws invalid_argument. */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  const [first = "", second = "", third = ""] = parts;
  if (parts.length > 3 || !parts.every((part) => PART.test(part))) {
    throw invalidArgument(`platform ${quote(text)} must be <os>/<architecture>[/<variant>]`);
  }
  if (parts.length > 1) return normalizePlatform({ os: first, architecture: second, variant: third });
  const alone = normalizePlatform({ os: "linux", architecture: first, variant: "" });
  if (OPERATING_SYSTEMS.has(first.toLowerCase())) return { ...hostPlatform(), os: first.toLowerCase() };
  if (ARCHITECTURES.has(alone.architecture)) return alone;
  throw invalidArgument(`platform ${quote(text)}: unknown operating system or architecture`);
}

/** As people write it: `linux/arm/v7`. An empty system is `unknown`; other empty parts are left out. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  const parts = [os === "" ? "unknown" : os, architecture];
  return (variant === "" ? parts : [...parts, variant]).filter((part) => part !== "").join("/");
}

/** Which platforms are taken, the best first. */
export interface PlatformMatcher {
  /** Position in the order of preference, 0 the best; undefined for what is not taken. */
  rank(platform: Platform | undefined): number | undefined;
}

const ARM_VERSIONS = ["v8", "v7", "v6", "v5"];

/** What a machine of this platform can run, best first. */
function runnable(platform: Platform): Platform[] {
  const own = normalizePlatform(platform);
  const { os, architecture, variant } = own;
  const others = (arch: string, variants: readonly string[]): Platform[] =>
    variants.map((version) => ({ os, architecture: arch, variant: version }));
  switch (architecture) {
    case "amd64": {
      const level = Number(variant.slice(1)) || 1;
      const lower = Array.from({ length: level - 1 }, (_, step) =>
        level - 1 - step === 1 ? "" : `v${level - 1 - step}`,
      );
      return [own, ...others("amd64", lower), ...others("386", [""])];
    }
    case "arm64":
      return [own, ...(variant === "" ? [] : others("arm64", [""])), ...others("arm", ARM_VERSIONS)];
    case "arm": {
      const at = ARM_VERSIONS.indexOf(variant);
      return [own, ...(at < 0 ? [] : others("arm", ARM_VERSIONS.slice(at + 1)))];
    }
    default:
      return [own];
  }
}

const equal = (a: Platform, b: Platform): boolean =>
  a.os === b.os && a.architecture === b.architecture && a.variant === b.variant;

/** Takes what the given platforms can run, in their order; what says nothing of a platform suits everybody, but last. */
export function onlyPlatforms(platforms: readonly Platform[]): PlatformMatcher {
  const order = platforms.flatMap(runnable);
  return {
    rank: (platform) => {
      if (platform === undefined) return order.length;
      const at = order.findIndex((candidate) => equal(candidate, normalizePlatform(platform)));
      return at < 0 ? undefined : at;
    },
  };
}

/** Takes the given platforms and nothing that merely runs on them. */
export function exactPlatforms(platforms: readonly Platform[]): PlatformMatcher {
  const order = platforms.map(normalizePlatform);
  return {
    rank: (platform) => {
      if (platform === undefined) return order.length;
      const at = order.findIndex((candidate) => equal(candidate, normalizePlatform(platform)));
      return at < 0 ? undefined : at;
    },
  };
}

/** Takes everything. */
export const ALL_PLATFORMS: PlatformMatcher = { rank: () => 0 };
