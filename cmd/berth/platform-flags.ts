// --platform and --all-platforms: which manifests of an index a command is about.
import type { Command } from "commander";
import {
  ALL_PLATFORMS,
  exactPlatforms,
  hostPlatform,
  onlyPlatforms,
  type PlatformMatcher,
  parsePlatform,
} from "../../api/client/distribution/platform.js";
import { collect } from "./flags.js";

export interface PlatformFlags {
  platform?: string[];
  allPlatforms?: boolean;
}

/** `what` is what is done to the platforms: "pull", "export". */
export function addPlatformOptions(command: Command, what: string): void {
  command
    .option("--platform <os/arch>", `${what} for that platform (repeatable); default: this machine's`, collect)
    .option("--all-platforms", `${what} for all platforms`);
}

/** What the platforms that were asked for can run; by default this machine. @throws invalid_argument. */
export function runnablePlatforms({ platform = [], allPlatforms }: PlatformFlags): PlatformMatcher {
  if (allPlatforms === true) return ALL_PLATFORMS;
  return onlyPlatforms(platform.length === 0 ? [hostPlatform()] : platform.map(parsePlatform));
}

/** The platforms that were asked for and nothing that merely runs on them. @throws invalid_argument. */
export function strictPlatforms({ platform = [], allPlatforms }: PlatformFlags): PlatformMatcher {
  if (allPlatforms === true) return ALL_PLATFORMS;
  return exactPlatforms(platform.length === 0 ? [hostPlatform()] : platform.map(parsePlatform));
}
