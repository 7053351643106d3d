// What the process shim is asked for: its version, one of the two short actions, or to serve.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { invalidArgument } from "../../api/core/errors.js";
import { READY, SERVE_ACTION, tellStarter } from "../../runtime/detached/starter.js";
import { parseFlags, type ShimFlags } from "./flags.js";

const EXIT_FAILURE = 1;

/** @returns the exit code. Never rejects: what went wrong is on stderr, where whoever starts a shim looks for it. */
export async function runShim(argv: readonly string[]): Promise<number> {
  try {
    await run(parseFlags(argv));
    return 0;
  } catch (error) {
    process.stderr.write(`containerd-shim-process-v1: ${error instanceof Error ? error.message : error}\n`);
    return EXIT_FAILURE;
  }
}

async function run(flags: ShimFlags): Promise<void> {
  if (flags.version) {
    process.stdout.write(`containerd-shim-process-v1:\n  Version:  ${packageVersion()}\n`);
  } else if (flags.info) {
    const { runtimeInfo } = await import("./info.js");
    process.stdout.write(runtimeInfo(packageVersion()));
  } else if (flags.action === "start") {
    const { startAction } = await import("./start.js");
    process.stdout.write(await startAction(flags, process.cwd()));
  } else if (flags.action === "delete") {
    const { deleteAction } = await import("./delete.js");
    process.stdout.write(await deleteAction(flags, process.cwd()));
  } else if (flags.action === SERVE_ACTION) {
    const { serve } = await import("./serve.js");
    let isReady = false;
    const onReady = (): void => {
      isReady = true;
      tellStarter(READY);
    };
    await serve(flags, onReady).catch((error: unknown) => {
      if (!isReady) tellStarter(error instanceof Error ? error.message : String(error));
      throw error;
    });
  } else {
    throw invalidArgument(`action "${flags.action}"`);
  }
}

/** Of the package that this file lies in, in the sources or built. */
function packageVersion(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
      if (typeof manifest === "object" && manifest !== null && "version" in manifest) return String(manifest.version);
    } catch {
      // Further up.
    }
    if (dirname(dir) === dir) return "unknown";
    dir = dirname(dir);
  }
}
