// A task's shim, spoken to as the daemon does it: over ttrpc at its own socket. Two ways lead there: the name that containerd's shims
// give their sockets, and what the task's bundle says, where the daemon tells of its bundles or keeps them beside its socket.
// @source containerd cmd/ctr/commands/shim/shim.go (getTaskService)
import { dirname, join } from "node:path";
import type { RequestContext } from "../../api/core/context.js";
import { errorOf, unavailable } from "../../api/core/errors.js";
import { validateIdentifier } from "../../api/core/identifiers.js";
import { readSavedAddress } from "../../runtime/drivers/shim/saved-shim.js";
import { shimSocketPath } from "../../runtime/drivers/shim/socket.js";
import { connectTtrpc, type TtrpcClient, type UnaryMethod } from "../../runtime/ttrpc/client.js";
import { taskApi } from "../../runtime/ttrpc/task-api.js";
import type { CommandContext } from "./command.js";
import { UsageError } from "./exit-status.js";

/** Where containerd's bundles are, below its state folder; by convention that is the folder of its socket. */
const BUNDLES = "io.containerd.runtime.v2.task";
const OLDEST_API = 2;

/** The flag before the verb. */
export interface ShimFlags {
  id?: string;
}

/** Dispose it to hang up; the shim goes on. */
export interface Shim extends AsyncDisposable {
  readonly api: ReturnType<typeof taskApi>;
  /** Of the container that was named. */
  readonly id: string;
  /** @throws the shim's error by its kind. */
  call<Req, Res>(method: UnaryMethod<Req, Res>, request: Req): Promise<Res>;
}

/** Dials the shim of the container. @throws UsageError without an id, not_found when no shim is there. */
export async function connectShim(context: CommandContext, { id }: ShimFlags): Promise<Shim> {
  if (id === undefined || id === "") throw new UsageError("container id must be specified: berth shim --id ID …");
  validateIdentifier(id);
  const { request } = context;
  for await (const { address, version } of placesOf(context, id)) {
    const client = await dial(address);
    if (client === undefined) continue;
    return {
      id,
      api: taskApi(version),
      call: (method, message) => client.call(method, message, { signal: request.signal }),
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  }
  throw errorOf("not_found", `shim of container "${id}" in namespace "${context.namespace}"`);
}

/** The process that a verb is about: the task's first one unless an exec is named; `ctr` names the task by its container's id. */
export function execIdOf(shim: Shim, [execId = ""]: readonly string[]): string {
  return execId === shim.id ? "" : execId;
}

async function* placesOf(
  { client, request, namespace }: CommandContext,
  id: string,
): AsyncGenerator<{ readonly address: string; readonly version: number }> {
  const { address } = client;
  if (address === undefined) throw unavailable("a daemon without a socket");
  yield { address: shimSocketPath(address, namespace, id), version: OLDEST_API };
  for (const bundles of [await bundlesOf(client, request), join(dirname(address), BUNDLES)]) {
    const saved = bundles && (await readSavedAddress(join(bundles, namespace, id)).catch(() => undefined));
    if (saved) yield saved;
  }
}

/** As a berthd tells it; undefined for another daemon, and for one that is away: its shims go on. */
async function bundlesOf(client: CommandContext["client"], request: RequestContext): Promise<string | undefined> {
  const [plugin] = await client.introspection.plugins(request, ["type==io.containerd.runtime.v2"]).catch(() => []);
  return plugin?.exports["bundles"];
}

/** undefined when nobody is there. @throws permission_denied. */
async function dial(address: string): Promise<TtrpcClient | undefined> {
  try {
    return await connectTtrpc(address);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof Error && "code" in cause && cause.code === "EACCES") {
      throw errorOf("permission_denied", `the shim's socket ${address}`, error);
    }
    return undefined;
  }
}
