// What a shim's folder says of it, for the next daemon: its program and where it listens.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { unknownError } from "../../../api/core/errors.js";
import { parseShimAddress, type ShimAddress, socketPath } from "./bootstrap.js";

/** Shims of version 1.6 keep an `address` file of their own besides. */
export async function saveShim(path: string, binary: string, address: ShimAddress): Promise<void> {
  await Promise.all([
    writeFile(join(path, "shim-binary-path"), binary, { mode: 0o600 }),
    writeFile(join(path, "bootstrap.json"), JSON.stringify({ ...address, protocol: "ttrpc" })),
  ]);
}

/** @throws kind unknown when nothing says so, or in a form that cannot be served. */
export async function readSavedAddress(path: string): Promise<ShimAddress> {
  for (const name of ["bootstrap.json", "address"]) {
    const saved = await readFile(join(path, name)).catch(() => undefined);
    if (saved !== undefined && saved.length > 0) return parseShimAddress(saved);
  }
  throw unknownError("the bundle does not say where its shim listens");
}

/** The path of the socket; undefined when none is known. */
export async function readSavedSocket(path: string): Promise<string | undefined> {
  return await readSavedAddress(path).then(socketPath, () => undefined);
}
