// Removing a tree that others filled. Root may remove anything; a user is kept out by folders that a layer or a program has closed,
// even where all of it is the user's own.
import { chmod, readdir, rm } from "node:fs/promises";
import { hasCode } from "../sys/errno.js";
import { inside } from "./walk.js";

/** Fine when there is nothing. @throws an Error with an errno code. */
export async function freeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (process.geteuid?.() === 0 || !hasCode(error, "EACCES", "EPERM", "ENOTEMPTY")) throw error;
    await openFolders(Buffer.from(path));
    await rm(path, { recursive: true, force: true });
  }
}

async function openFolders(path: Buffer): Promise<void> {
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true, encoding: "buffer" })) {
    if (entry.isDirectory()) await openFolders(inside(path, Buffer.from(entry.name)));
  }
}
