// Where a test lab looks for services: a file in a form that shells can read, to which each service adds itself.
import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";

const FILE = ".cftmeta";
const SERVICE_NAME = "CTRv2";

/** Appends to it; the folder is made. */
export async function exportMetadata(dir: string, port: number): Promise<void> {
  await mkdir(dir, { recursive: true });
  const startTime = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const lines = [`SERVICE_PORT=${port}`, `SERVICE_NAME=${SERVICE_NAME}`, `SERVICE_START_TIME=${startTime}`];
  await appendFile(join(dir, FILE), `${lines.join("\n")}\n`);
}
