// The user's editor on a text of ours.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failedPrecondition } from "../../api/core/errors.js";

const FALLBACK = "vi";

export interface Edit {
  readonly text: string;
  /** Where the text lies; it and its folder stay until {@link discard}. */
  readonly path: string;
  discard(): Promise<void>;
}

/**
 * Lets `$VISUAL`, else `$EDITOR`, else vi change the text. Words of the variable are arguments; no shell reads it.
 * @throws failed_precondition when it cannot be started or says that it failed; nothing is left then.
 */
export async function edit(name: string, text: string): Promise<Edit> {
  const dir = await mkdtemp(join(tmpdir(), "berth-edit-"));
  const discard = async (): Promise<void> => await rm(dir, { recursive: true, force: true });
  try {
    const path = join(dir, name);
    await writeFile(path, text, { mode: 0o600 });
    await runEditor(path);
    return { text: await readFile(path, "utf8"), path, discard };
  } catch (error) {
    await discard();
    throw error;
  }
}

async function runEditor(path: string): Promise<void> {
  const wanted = process.env["VISUAL"] || process.env["EDITOR"] || FALLBACK;
  const [program = FALLBACK, ...args] = wanted.trim().split(/\s+/);
  const child = spawn(program, [...args, path], { stdio: "inherit" });
  // ^C is the editor's while it runs.
  const ignore = (): void => {};
  process.on("SIGINT", ignore).on("SIGQUIT", ignore);
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
    if (code !== 0) throw failedPrecondition(`editor ${program} ended with ${signal ?? code}, nothing is changed`);
  } catch (error) {
    if (!(error instanceof Error) || !("syscall" in error)) throw error;
    throw failedPrecondition(`editor ${program} cannot be started (${error.message}); set VISUAL or EDITOR`, error);
  } finally {
    process.off("SIGINT", ignore).off("SIGQUIT", ignore);
  }
}
