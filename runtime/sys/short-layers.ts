// Overlay mounts of many layers: the kernel takes one page of options, and paths of layers are long. It resolves them while it
// mounts, so short links to the layers do as well, and may go afterwards. Two hundred layers fit, where images have 127 at most.
// @source containerd mount/mount_linux.go (which changes its working folder instead: that belongs to all threads here)
import { closeSync, mkdtempSync, openSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const LOWER = "lowerdir=";

/** Layers as the option lists them: a colon or backslash of a path is escaped there. */
function layersOf(option: string): string[] {
  const layers = option.slice(LOWER.length).match(/(?:\\.|[^:\\])+/g) ?? [];
  return layers.map((layer) => layer.replace(/\\(.)/g, "$1"));
}

/** Runs `use` with options whose layers have short paths for as long as it takes. */
export function withShortLayers<T>(options: readonly string[], use: (options: readonly string[]) => T): T {
  const dir = mkdtempSync(join(tmpdir(), "berth-layers-"));
  let fd: number | undefined;
  try {
    fd = openSync(dir, "r");
    const short = `/proc/self/fd/${fd}`;
    let count = 0;
    const shorten = (layer: string): string => {
      const name = (count++).toString(36);
      symlinkSync(layer, join(dir, name));
      return `${short}/${name}`;
    };
    return use(
      options.map((option) => (option.startsWith(LOWER) ? LOWER + layersOf(option).map(shorten).join(":") : option)),
    );
  } finally {
    if (fd !== undefined) closeSync(fd);
    rmSync(dir, { recursive: true, force: true });
  }
}
