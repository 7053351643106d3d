// What clients leave in places that everybody uses: mounts that they made to look into a container's files, networks that plugins gave
// to tasks. Who made them cannot be proved, so they are told and never touched.
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import * as z from "zod";
import type { Discovery } from "../../api/core/doctor.js";
import { isIdentifier } from "../../api/core/identifiers.js";
import { listNames } from "../host-processes.js";
import { listMountPoints } from "../sys/mount.js";
import { type HostView, keyOf, knownKeys } from "./task-view.js";

/** The folders in which our client mounts a root filesystem for as long as it looks into it. */
const CLIENT_MOUNT = /^berth-(mount|files)-\w+$/;
/** Where the library of the container network interface notes what it has made. */
const CNI_RESULTS = "/var/lib/cni/results";

const resultSchema = z.object({ containerId: z.string(), networkName: z.string().default("") });

export async function* examineClientMounts(): AsyncGenerator<Discovery> {
  for (const subject of listMountPoints()) {
    if (dirname(subject) !== tmpdir() || !CLIENT_MOUNT.test(basename(subject))) continue;
    yield {
      kind: "mount-of-client",
      namespace: "",
      subject,
      detail: "a client looks into a container's files, or was killed while it did; umount it then",
      isProblem: false,
    };
  }
}

/** Networks of tasks that are none any more: `ctr run --cni` calls a task's `<namespace>-<id>`. */
export async function* examineNetworks(view: HostView, resultsDir = CNI_RESULTS): AsyncGenerator<Discovery> {
  const names = await listNames(resultsDir);
  if (names.length === 0) return;
  const namespaces = await view.namespaces();
  const known = knownKeys(view);
  for (const name of names) {
    const path = join(resultsDir, name);
    const owner = ownerOf(await readFile(path, "utf8").catch(() => ""), namespaces);
    if (owner === undefined || known.has(keyOf(owner))) continue;
    yield {
      kind: "network-without-task",
      namespace: owner.namespace,
      subject: path,
      detail: `network ${owner.network} was given to ${owner.id}, which has no task; another engine's may have the name`,
      isProblem: false,
    };
  }
}

function ownerOf(
  text: string,
  namespaces: readonly string[],
): { readonly namespace: string; readonly id: string; readonly network: string } | undefined {
  const { containerId, networkName } = parseResult(text);
  for (const namespace of namespaces) {
    const id = containerId.startsWith(`${namespace}-`) ? containerId.slice(namespace.length + 1) : "";
    if (isIdentifier(id)) return { namespace, id, network: networkName };
  }
  return undefined;
}

function parseResult(text: string): z.infer<typeof resultSchema> {
  try {
    return resultSchema.parse(JSON.parse(text));
  } catch {
    // Gone, half written, or of another program.
    return { containerId: "", networkName: "" };
  }
}
