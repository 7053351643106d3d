// The end of a copy that is in a container which a Docker engine keeps and which does not run: the engine's archives.
import { failedPrecondition, notFound } from "../../core/errors.js";
import type { TarEntry } from "../../core/tar/reader.js";
import { DockerArchives, type EngineStat } from "./docker-archives.js";
import type { ContainerPath, CopySource, CopyTarget } from "./ends.js";
import { type EntryChange, rewriteArchive } from "./rewrite-archive.js";
import { type PathText, parsePath } from "./spot.js";
import { untilAborted } from "./until-aborted.js";

const PLAIN_MODE = 0o1777;
const NOTHING = { [Symbol.dispose]: () => {} };

/** @throws not_found, and what finding the container at its engine throws. */
export async function dockerSource(
  namespace: string,
  place: ContainerPath,
  options: { readonly followLink: boolean },
): Promise<CopySource> {
  const path = parsePath(place.path);
  const archives = await DockerArchives.find(namespace, place.id);
  const text = `${place.id}:${place.path}`;
  const found = await statOf(archives, pathOf(path), options.followLink || path.asFolder);
  if (found === undefined) throw notFound(`${text}: no such file or folder`);
  const { stat, where } = found;
  const isFolder = stat.kind === "folder";
  if (path.asFolder && !isFolder) throw failedPrecondition(`${text} is no folder`);
  const last = path.components.at(-1);
  const name = last === undefined || last === "." || last === ".." ? bytesOf(stat.name) : last;
  return {
    ...NOTHING,
    isFolder,
    name,
    asContents: isFolder && (path.asContents || where === "/"),
    archive: (as) => rewriteArchive(archives.read(where), (entry) => renamed(entry, bytesOf(stat.name), as)),
  };
}

/** @throws not_found where the folder of the path is missing, and what finding the container at its engine throws. */
export async function dockerTarget(namespace: string, place: ContainerPath): Promise<CopyTarget> {
  const path = parsePath(place.path);
  const archives = await DockerArchives.find(namespace, place.id);
  const text = `${place.id}:${place.path}`;
  const found = await statOf(archives, pathOf(path), true);
  const parent =
    found === undefined
      ? await statOf(archives, pathOf({ components: path.components.slice(0, -1) }), true)
      : undefined;
  if (found === undefined && parent?.stat.kind !== "folder") throw notFound(`${text}: its folder does not exist`);
  const where = found?.where ?? pathOf(path);
  const isFolder = found?.stat.kind === "folder";
  const slash = where.lastIndexOf("/");
  return {
    ...NOTHING,
    state: found === undefined ? "missing" : isFolder ? "folder" : "file",
    name: bytesOf(where.slice(slash + 1)),
    asFolder: path.asFolder,
    text,
    unpack: async (archive, { keepOwners, signal }) => {
      const change = keepOwners ? () => ({}) : ofRoot;
      const folder = isFolder ? where : where.slice(0, slash) || "/";
      await archives.write(folder, rewriteArchive(untilAborted(archive, signal), change));
    },
  };
}

async function statOf(
  archives: DockerArchives,
  where: string,
  follow: boolean,
): Promise<{ readonly stat: EngineStat; readonly where: string } | undefined> {
  const stat = await archives.stat(where);
  if (stat === undefined || stat.kind !== "link" || !follow) return stat && { stat, where };
  const next = await archives.stat(stat.linkTarget);
  return next && { stat: next, where: stat.linkTarget };
}

/** As text, by the letters from the root, without a slash at its end. */
function pathOf({ components }: Pick<PathText, "components">): string {
  return `/${Buffer.from(components.filter((one) => one !== ".").join("/"), "latin1").toString()}`;
}

const bytesOf = (text: string): string => Buffer.from(text).toString("latin1");

function renamed({ name, linkName, type }: TarEntry, from: string, to: string): EntryChange {
  const rename = (path: string): string =>
    path === from || path.startsWith(`${from}/`) ? to + path.slice(from.length) : path;
  return { name: rename(name), ...(type === "1" && { linkName: rename(linkName) }) };
}

/** What gives powers to an owner is not carried along. */
const ofRoot = ({ mode }: TarEntry): EntryChange => ({ uid: 0, gid: 0, mode: mode & PLAIN_MODE });
