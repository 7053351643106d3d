// What an import looks at before it brings anything to LXD: whether this machine can run it, and whether there is room for it.
import { fstatSync, readSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { invalidArgument } from "../../../api/core/errors.js";
import { ContainerImportProgress_Status as Progress } from "../../../api/gen/vm_tools/tremplin.js";
import type { LxdServer } from "../../../runtime/lxd/server.js";
import { getLxdInfo } from "../../../runtime/lxd/setup.js";
import type { ListenerNews } from "../listener.js";
import { neededBytes, readArchitecture, TRAILER_BYTES } from "./archive-head.js";
import { pathOfFd } from "./shared-path.js";

/** The last word on an import that is refused. */
export type Refusal = ListenerNews<"updateImportStatus">;

/** Undefined when nothing speaks against it. @throws invalid_argument for a file that can be no archive. */
export async function checkImport(
  { lxd, lxdDir }: { readonly lxd: LxdServer; readonly lxdDir: string },
  source: number,
  /** What the caller says there is; 0 for no limit. */
  availableDiskSpace: bigint,
): Promise<Refusal | undefined> {
  const size = fstatSync(source, { bigint: true }).size;
  if (size < BigInt(TRAILER_BYTES)) throw invalidArgument(`the file has ${size} bytes, which no archive has`);
  const container = await readArchitecture(pathOfFd(source));
  const { architectures } = (await getLxdInfo(lxd)).environment;
  if (container !== undefined && !architectures.includes(container)) {
    const [device = ""] = architectures;
    return { status: Progress.FAILED_ARCHITECTURE, architectureDevice: device, architectureContainer: container };
  }
  const needed = neededBytes(size, readAt(source, 0n), readAt(source, size - BigInt(TRAILER_BYTES)));
  const { bavail, bsize } = await statfs(lxdDir, { bigint: true });
  const free = bavail * bsize;
  const available = availableDiskSpace !== 0n && availableDiskSpace < free ? availableDiskSpace : free;
  if (needed <= available) return undefined;
  return { status: Progress.FAILED_SPACE, diskSpaceAvailableBytes: available, diskSpaceRequiredBytes: needed };
}

function readAt(fd: number, position: bigint): Buffer {
  const bytes = Buffer.alloc(TRAILER_BYTES);
  readSync(fd, bytes, 0, bytes.length, position);
  return bytes;
}
