// A metadata store on a folder of its own, gone with the scope.
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { type Metadata, type MetadataOptions, openMetadata } from "../../metadata/index.js";
import { openContentBackend } from "../../runtime/content/backend.js";
import { tempDir } from "./temp.js";

/** For a store whose collector runs only when a test asks for it. */
export const ONLY_WHEN_ASKED: MetadataOptions["collectorPolicy"] = {
  startupDelayMs: 0,
  // Hours between a run that was asked for and the tick that follows it.
  pauseThreshold: 1e-6,
  mutationThreshold: 0,
  deletionThreshold: Number.MAX_SAFE_INTEGER,
};

/** Opens a store in a fresh folder; a sync that fails throws in the test instead of ending the process. */
export async function temporaryMetadata(
  scope: DisposeScope,
  options: Partial<MetadataOptions> = {},
): Promise<Metadata> {
  const root = options.root ?? (await tempDir(scope));
  const onFatal = (error: Error) => {
    throw error;
  };
  const content =
    options.content ?? (await openContentBackend({ rootDir: join(root, "content"), clock: options.clock }));
  return scope.use(await openMetadata({ onFatal, ...options, root, content }));
}
