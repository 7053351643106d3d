// The specs that commands are given: a file, standard input, or that of a container.
import { readFile } from "node:fs/promises";
import type { Container } from "../../api/core/container.js";
import type { CommandContext } from "./command.js";
import { UsageError } from "./exit-status.js";

export interface SpecSource {
  readonly text: string;
  /** Whose it is; undefined for a file's. */
  readonly container: Container | undefined;
}

/** `-` is standard input; what has a slash, or ends in `.json`, is a file; anything else a container. @throws UsageError, not_found. */
export async function readSpecSource({ client, request }: CommandContext, name: string): Promise<SpecSource> {
  if (name === "-" || name.includes("/") || name.endsWith(".json")) {
    return { text: await readSpecFile(name), container: undefined };
  }
  const container = await client.containers.get(request, name);
  return { text: container.spec.value.toString(), container };
}

/** @throws UsageError when it cannot be read. */
export async function readSpecFile(path: string): Promise<string> {
  if (path === "-") {
    const chunks: Uint8Array[] = [];
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString();
  }
  return await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`spec "${path}" cannot be read: ${error.code ?? error.message}`);
  });
}
