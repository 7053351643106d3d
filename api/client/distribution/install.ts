// Programs and libraries of an image, put into a folder of this host. Nothing of it is run.
// @source containerd install.go
import {
  closeSync,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { basename, dirname, join, posix } from "node:path";
import type { RequestContext } from "../../core/context.js";
import { alreadyExists, invalidArgument } from "../../core/errors.js";
import type { Image } from "../../core/image.js";
import { type TarEntry, type TarHandler, TarReader } from "../../core/tar/reader.js";
import { uncompressed } from "./archive/read-archive.js";
import { resolveManifest } from "./manifest.js";
import { hostPlatform, onlyPlatforms } from "./platform.js";
import type { ImageStores } from "./stores.js";

export interface InstallOptions {
  /** Gets `bin`, and `lib` with `libs`; made if it is not there. */
  readonly path: string;
  /** Default: false. */
  readonly libs?: boolean;
  /** Files that are there already give way. Default: false. */
  readonly replace?: boolean;
}

const WHITEOUT = ".wh.";
const REGULAR = new Set(["0", "\0", "7"]);
const HARD_LINK = "1";
const SYMLINK = "2";

/**
 * Installs what an image has directly in `bin`. It is put together beside its place first; on failure nothing is installed.
 * @throws already_exists for a file that is there, unless it may be replaced; not_found for content that is missing; invalid_argument
 * for a link to something that is not installed.
 */
export async function installImage(
  stores: Pick<ImageStores, "content">,
  ctx: RequestContext,
  image: Image,
  { path, libs = false, replace = false }: InstallOptions,
): Promise<void> {
  const { manifest } = await resolveManifest(stores.content, ctx, image.target, onlyPlatforms([hostPlatform()]));
  await mkdir(path, { recursive: true });
  const stage = await mkdtemp(join(path, ".install-"));
  try {
    const folders = libs ? ["bin", "lib"] : ["bin"];
    for (const folder of folders) mkdirSync(join(stage, folder));
    for (const layer of manifest.layers) {
      const reader = new TarReader(new Stage(stage, folders));
      for await (const chunk of uncompressed(stores.content.read(ctx, layer.digest))) reader.push(Buffer.from(chunk));
      reader.finish();
    }
    publish(stage, path, folders, replace);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** Puts all files in their places, after a look at whether they are free. */
function publish(stage: string, path: string, folders: readonly string[], replace: boolean): void {
  const names = folders.flatMap((folder) => readdirSync(join(stage, folder)).map((name) => join(folder, name)));
  for (const name of replace ? [] : names) {
    if (isThere(join(path, name))) throw alreadyExists(`cannot replace ${name} in ${path}`);
  }
  for (const folder of folders) mkdirSync(join(path, folder), { recursive: true });
  for (const name of names) renameSync(join(stage, name), join(path, name));
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** One layer on its way into the folder, over what earlier ones have put there. All else of it is passed over. */
class Stage implements TarHandler {
  readonly #path: string;
  readonly #folders: readonly string[];
  #fd: number | undefined;

  constructor(path: string, folders: readonly string[]) {
    this.#path = path;
    this.#folders = folders;
  }

  entry(entry: TarEntry): void {
    const place = this.#placeOf(entry.name);
    if (place === undefined) return;
    const name = basename(place);
    if (name.startsWith(WHITEOUT)) {
      rmSync(join(dirname(place), name.slice(WHITEOUT.length)), { force: true });
    } else if (REGULAR.has(entry.type)) {
      rmSync(place, { force: true });
      this.#fd = openSync(place, "wx", 0o600);
      describe(this.#fd, entry);
    } else if (entry.type === SYMLINK) {
      rmSync(place, { force: true });
      symlinkSync(entry.linkName, place);
    } else if (entry.type === HARD_LINK) {
      const target = this.#placeOf(entry.linkName);
      if (target === undefined || !isThere(target)) {
        throw invalidArgument(`${entry.name} is a link to ${entry.linkName}, which is not installed`);
      }
      rmSync(place, { force: true });
      linkSync(target, place);
    }
  }

  data(buffer: Buffer, start: number, end: number, offset: number): void {
    for (let at = start; this.#fd !== undefined && at < end; ) {
      at += writeSync(this.#fd, buffer, at, end - at, offset + at - start);
    }
  }

  end(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** undefined for what is not directly in one of the folders, so nothing leads outside. */
  #placeOf(name: string): string | undefined {
    const clean = posix.normalize(name);
    if (clean.endsWith("/") || !this.#folders.includes(posix.dirname(clean))) return undefined;
    return join(this.#path, clean);
  }
}

/** Owner first: a change of it takes the set-id bits away. */
function describe(fd: number, { uid, gid, mode, fileBytes, modifiedNs }: TarEntry): void {
  ftruncateSync(fd, fileBytes);
  if (process.getuid?.() === 0) fchownSync(fd, uid, gid);
  fchmodSync(fd, mode);
  futimesSync(fd, Number(modifiedNs) / 1e9, Number(modifiedNs) / 1e9);
}
