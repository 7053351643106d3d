// The TCP ports on which a process's network namespace can be reached from within it, as /proc tells them.
import { readFile } from "node:fs/promises";

const LISTENING = "0A";
const WORD_DIGITS = 8;
/** ::ffff:0:0/96, under which IPv6 sockets know IPv4 addresses. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const TABLES = ["tcp", "tcp6"];

/**
 * Ports of listening sockets that are bound to no address or to one of loopback, IPv4 and IPv6 alike, ascending, each once.
 * @throws an errno error when there is no such process
 */
export async function readListeningPorts(pid: number): Promise<number[]> {
  const tables = await Promise.all(
    TABLES.map((name) =>
      // Without IPv6 the kernel has no such table.
      readFile(`/proc/${pid}/net/${name}`, "utf8").catch((error: unknown) => {
        if (name === "tcp6" && error instanceof Error && "code" in error && error.code === "ENOENT") return "";
        throw error;
      }),
    ),
  );
  return listeningPorts(tables.join("\n"));
}

/** The same from the text of such tables. */
export function listeningPorts(table: string): number[] {
  const ports = new Set<number>();
  for (const line of table.split("\n")) {
    // Slot, local address, remote address, state, …
    const [, local = "", , state] = line.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    if (state === LISTENING && isNear(addressBytes(address))) ports.add(Number.parseInt(port, 16));
  }
  return [...ports].sort((a, b) => a - b);
}

/** The kernel prints an address as 32-bit words of its own byte order; all machines that Node runs on are little-endian. */
function addressBytes(hex: string): number[] {
  const bytes: number[] = [];
  for (let at = 0; at < hex.length; at += WORD_DIGITS) {
    bytes.push(...Buffer.from(hex.slice(at, at + WORD_DIGITS), "hex").reverse());
  }
  return bytes;
}

/** Whether it is unspecified or of loopback. */
function isNear(bytes: readonly number[]): boolean {
  const isMapped = bytes.length === 16 && MAPPED.every((byte, at) => bytes[at] === byte);
  const short = isMapped ? bytes.slice(MAPPED.length) : bytes;
  const isUnspecified = short.length > 0 && short.every((byte) => byte === 0);
  if (short.length === 4) return isUnspecified || short[0] === 127;
  return isUnspecified || (short.length === 16 && short.every((byte, at) => byte === (at === 15 ? 1 : 0)));
}
