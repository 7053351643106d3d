// The size of an instance's console. LXD passes it on to terminals of its own only, so it is set here where LXD's processes are this
// host's; the instance decides what lies at its paths, so nothing is opened before it is known to be a terminal.
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import type { Size } from "../../bridge/source.js";
import { setWindowSize } from "../../sys/pseudo-terminal.js";

const { O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants;
/** Opens nothing but the name. */
const O_PATH = 0o10000000;
/** Major numbers of pseudo terminals. */
const [FIRST_MAJOR, LAST_MAJOR] = [136, 143];

/** @returns whether it was. @throws an Error with an errno code. */
export function setConsoleSize(instance: string, initPid: number, { columns, rows }: Size): boolean {
  // It may be the number of some other process here.
  const groups = readFileSync(`/proc/${initPid}/cgroup`, "utf8");
  if (!groups.split("\n").some((line) => isPayloadOf(instance, line))) return false;
  const folder = openSync(`/proc/${initPid}/root/dev`, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  try {
    const named = openSync(`/proc/self/fd/${folder}/console`, O_PATH | O_NOFOLLOW);
    try {
      if (!isPseudoTerminal(named)) return false;
      const terminal = openSync(`/proc/self/fd/${named}`, O_RDWR | O_NOCTTY | O_NONBLOCK);
      try {
        setWindowSize(terminal, columns, rows);
        return true;
      } finally {
        closeSync(terminal);
      }
    } finally {
      closeSync(named);
    }
  } finally {
    closeSync(folder);
  }
}

/** LXC's control group of it, with the project before the name where there is one. */
function isPayloadOf(instance: string, line: string): boolean {
  const [, name] = /\/lxc\.payload\.([^/]+)/.exec(line) ?? [];
  return name === instance || name?.endsWith(`_${instance}`) === true;
}

function isPseudoTerminal(fd: number): boolean {
  const stat = fstatSync(fd);
  const major = (stat.rdev >> 8) & 0xfff;
  return stat.isCharacterDevice() && major >= FIRST_MAJOR && major <= LAST_MAJOR;
}
