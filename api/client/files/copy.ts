// Copies between ends: what becomes of which name, as docker cp has it.
// @source Docker CLI reference, "docker container cp"
import { failedPrecondition, invalidArgument, notFound } from "../../core/errors.js";
import type { Bytes, CopySource, CopyTarget, UnpackRequest } from "./ends.js";

/** Copies a file or folder. Both ends stay open. @throws failed_precondition where one cannot take the place of the other. */
export async function copyBetween(source: CopySource, target: CopyTarget, request: UnpackRequest): Promise<void> {
  await target.unpack(source.archive(nameIn(source, target)), request);
}

/** Unpacks an archive of whatever into a folder that is there. @throws not_found, failed_precondition. */
export async function unpackInto(target: CopyTarget, archive: Bytes, request: UnpackRequest): Promise<void> {
  if (target.state === "missing") throw notFound(`${target.text}: no such folder`);
  if (target.state === "file") throw failedPrecondition(`${target.text} is no folder: an archive can only go into one`);
  await target.unpack(archive, request);
}

/** What the source is called in the folder that the target is, or is in. */
function nameIn({ isFolder, name, asContents }: CopySource, target: CopyTarget): string {
  switch (target.state) {
    case "folder":
      return asContents ? "." : name;
    case "file":
      if (isFolder) throw failedPrecondition(`${target.text} is a file, and a folder cannot take its place`);
      if (target.asFolder) throw failedPrecondition(`${target.text} is no folder`);
      return target.name;
    case "missing":
      if (!isFolder && target.asFolder) throw notFound(`${target.text}: no such folder`);
      if (target.name === ".") throw invalidArgument(`${target.text}: no name for a copy`);
      return target.name;
  }
}
