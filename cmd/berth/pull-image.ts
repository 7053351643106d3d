// Pulling for a command that needs an image, with the news of it on stderr: stdout is the process's.
import { hostPlatform, onlyPlatforms, parsePlatform } from "../../api/client/distribution/platform.js";
import { pull } from "../../api/client/distribution/pull.js";
import type { Image } from "../../api/core/image.js";
import type { CommandContext } from "./command.js";
import type { ContainerFlags } from "./container-request.js";
import { showProgress } from "./progress/show-progress.js";
import { openRegistry } from "./registry-flags.js";
import { snapshotterOf } from "./snapshotter-flag.js";

/** @throws as pull does. */
export async function pullForRun(
  { client, request }: CommandContext,
  flags: ContainerFlags,
  name: string,
): Promise<Image> {
  const { plainHttp, skipVerify, hostsDir } = flags;
  await using registry = await openRegistry({
    ...(plainHttp !== undefined && { plainHttp }),
    ...(skipVerify !== undefined && { skipVerify }),
    ...(hostsDir !== undefined && { hostsDir }),
  });
  using display = showProgress(process.stderr);
  return await pull(client, request, name, {
    registry,
    platform: onlyPlatforms([flags.platform === undefined ? hostPlatform() : parsePlatform(flags.platform)]),
    snapshotter: snapshotterOf(flags),
    onProgress: display.onProgress,
  });
}
