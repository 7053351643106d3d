// What differs between two runs of the same commands without meaning anything: times, pids, generated ids, places, versions.

export interface Places {
  readonly namespace: string;
  readonly rootfs: string;
  readonly stateDir: string;
  readonly address: string;
}

/** Replaces a text wherever it stands; an empty one is nowhere. */
function replaceText(text: string, from: string, to: string): string {
  return from === "" ? text : text.split(from).join(to);
}

/** Masks what every output may hold. */
export function mask(text: string, places: Places): string {
  let masked = text;
  masked = replaceText(masked, places.stateDir, "STATE");
  masked = replaceText(masked, places.rootfs, "ROOTFS");
  masked = replaceText(masked, places.address, "SOCKET");
  masked = replaceText(masked, places.namespace, "NAMESPACE");
  return masked
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| \+0000 UTC)/g, "TIME")
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
    .replace(/containerd-mount\d+/g, "MOUNT")
    .replace(/\/run\/(containerd|berth)\/fifo\/\d+/g, "FIFOS");
}

/** Masks numbers and the width of the columns that hold them. */
export function maskNumbers(text: string): string {
  return text.replace(/\b\d+\b/g, "N").replace(/ +/g, " ");
}

/** Masks what `version` prints of versions. */
export function maskVersions(text: string): string {
  return text.replace(/^( *(?:Version|Revision|Go version|Node.js version): *)\S.*$/gm, "$1V");
}

/** Masks an id that the server or the client made up: alone on a line. */
export function maskGenerated(text: string): string {
  return text.replace(/^\d{1,9}-[\w-]{4}/gm, "GENERATED");
}

/** Labels on a line of their own, which `ctr` prints in the random order of a Go map. */
export function sortLabels(text: string): string {
  return text
    .split("\n")
    .map((line) => line.split(",").sort().join(","))
    .join("\n");
}
