// Names that the daemon knows, for completion.
import { constants } from "node:os";
import { type Client, connect } from "../../../api/client/connect.js";
import { defaultSnapshotter } from "../../../api/client/default-snapshotter.js";
import type { RequestContext } from "../../../api/core/context.js";
import type { Completion } from "../command.js";
import { execIdOf } from "../exec-id.js";

/** Something that fits, and what it is. */
export interface Candidate {
  readonly value: string;
  readonly about?: string;
}

interface Where {
  readonly address: string;
  readonly namespace: string;
  readonly signal: AbortSignal;
  /** Arguments in front of the one that is wanted. */
  readonly args: readonly string[];
}

/** All of a kind, whatever they begin with. @throws when the daemon does not answer. */
export async function names(
  kind: Completion | "signal",
  { address, namespace, signal, args }: Where,
): Promise<Candidate[]> {
  if (kind === "none" || kind === "file") return [];
  if (kind === "signal") return Object.keys(constants.signals).map((value) => ({ value }));
  await using client = connect({ address, namespace });
  return await ask(client, { namespace, signal }, kind, args);
}

async function ask(
  client: Client,
  request: RequestContext,
  kind: Exclude<Completion, "none" | "file">,
  args: readonly string[],
): Promise<Candidate[]> {
  switch (kind) {
    case "container":
      return (await client.containers.list(request)).map(({ id, image }) => ({ value: id, about: image }));
    case "task":
      return (await client.tasks.list(request)).map(({ containerId, status }) => ({
        value: containerId,
        about: status,
      }));
    case "image":
      return (await client.images.list(request)).map(({ name }) => ({ value: name }));
    case "namespace":
      return (await client.namespaces.list(request)).map(({ name }) => ({ value: name }));
    case "lease":
      return (await client.leases.list(request)).map(({ id }) => ({ value: id }));
    case "content": {
      const found: Candidate[] = [];
      for await (const page of client.content.list(request))
        found.push(...page.map(({ digest }) => ({ value: digest })));
      return found;
    }
    case "snapshot": {
      const found: Candidate[] = [];
      const snapshots = client.snapshots.get(process.env["CONTAINERD_SNAPSHOTTER"] || defaultSnapshotter());
      for await (const page of snapshots.list(request)) {
        found.push(...page.map(({ name, kind: about }) => ({ value: name, about })));
      }
      return found;
    }
    case "exec": {
      const processes = await client.tasks.pids(request, args[0] ?? "");
      return processes.flatMap((process) => execIdOf(process) ?? []).map((value) => ({ value }));
    }
  }
}
