// What is done to a large image's tree before it is compared with itself: every kind of change, in many places.
import {
  chmodSync,
  lchownSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { makeNode, setTimes } from "../../runtime/sys/inode.js";
import { setXattr } from "../../runtime/sys/xattr.js";
import { FILES_PER_FOLDER, folderOf } from "./large-image.js";

const CAPABILITY = Buffer.from("0100000200200000000000000000000000000000", "hex");
const WHOLE_SECOND_NS = 1_500_000_000_000_000_000n;
/** Those below were emptied, removed or made files by the layers themselves. */
const FIRST_FOLDER = 5;

/**
 * Changes the tree at `root`. What is written gets times of whole seconds and no xattrs but capabilities, since a layer has no
 * others; folders that were touched keep the time of the touch.
 * @param files The plain files of each layer.
 */
export function changeLargeImage(root: string, files: readonly number[]): void {
  for (const [layer, count] of files.entries()) {
    for (let folder = FIRST_FOLDER; folder < count / FILES_PER_FOLDER; folder += 5) {
      changeFolder(join(root, folderOf(layer, folder)), folder * FILES_PER_FOLDER);
    }
    changeOddities(join(root, "odd", `l${layer}`));
    rmSync(join(root, folderOf(layer, FIRST_FOLDER + 1)), { recursive: true });
  }
  // Another folder under an old name: what was in it is gone.
  const replaced = join(root, folderOf(0, FIRST_FOLDER + 2));
  rmSync(replaced, { recursive: true });
  mkdirSync(replaced, { mode: 0o700 });
  put(join(replaced, "only"), "this");
}

function put(path: string | Buffer, body: string | Buffer): void {
  writeFileSync(path, body);
  setTimes(path, WHOLE_SECOND_NS, WHOLE_SECOND_NS);
}

/** @param first The number of the first file in it. */
function changeFolder(folder: string, first: number): void {
  const file = (number: number): string => join(folder, `f${first + number}`);
  put(file(0), `another body for ${first}`);
  rmSync(file(1));
  chmodSync(file(2), 0o4711);
  lchownSync(file(3), 70_000, 3_000_000_000);
  setTimes(file(4), 0n, WHOLE_SECOND_NS);
  rmSync(file(5));
  mkdirSync(file(5));
  put(join(file(5), "in"), "a file became a folder");
  rmSync(file(6));
  symlinkSync("f0", file(6));
  setTimes(file(6), WHOLE_SECOND_NS, WHOLE_SECOND_NS);
  renameSync(file(7), join(folder, "renamed"));
  put(join(folder, "n".repeat(255)), "a long name");
}

function changeOddities(odd: string): void {
  const at = (name: string): string => join(odd, name);
  put(at("setuid"), "changed");
  setXattr(at("setuid"), "security.capability", CAPABILITY);
  mkdirSync(at("made/deep/er"), { recursive: true });
  put(at("made/hard-a"), "one file, three names");
  linkSync(at("made/hard-a"), at("made/deep/hard-b"));
  linkSync(at("made/hard-a"), at("hard-c"));
  rmSync(at("null"));
  makeNode(at("null"), 0o20622, 0x0105);
  makeNode(at("made/fifo"), 0o10600, 0);
  makeNode(at("made/block"), 0o60640, 0x0700);
  for (const node of ["null", "made/fifo", "made/block"]) setTimes(at(node), 0n, WHOLE_SECOND_NS);
  put(at("made/sparse"), "");
  truncateSync(at("made/sparse"), 3_000_000);
  setTimes(at("made/sparse"), 0n, WHOLE_SECOND_NS);
  put(Buffer.concat([Buffer.from(`${odd}/made/latin-`), Buffer.from([0xe9])]), "no UTF-8");
  rmSync(at("empty"), { recursive: true });
  symlinkSync("/somewhere", at("empty"));
  setTimes(at("empty"), 0n, WHOLE_SECOND_NS);
}
