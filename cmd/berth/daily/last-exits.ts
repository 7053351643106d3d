// How the tasks of containers ended, where the daemon remembers.
import type { Client } from "../../../api/client/connect.js";
import type { Container } from "../../../api/core/container.js";
import type { RequestContext } from "../../../api/core/context.js";
import { isNotImplemented } from "../../../api/core/errors.js";
import type { ExitRecord, ListExitsOptions } from "../../../api/core/exit-record.js";

type Named = Pick<Container, "id" | "createdAtNs">;

/**
 * The newest of each container, by its id. Those of an older container of the same name do not count.
 * @returns undefined from a daemon that does not remember.
 */
export async function lastExits(
  client: Pick<Client, "exits">,
  request: RequestContext,
  containers: readonly Named[],
): Promise<ReadonlyMap<string, ExitRecord> | undefined> {
  const [first, ...others] = containers;
  if (first === undefined) return new Map();
  const of = others.length === 0 ? { containerId: first.id, limit: 1 } : { latest: true };
  const exits = await listExits(client, request, of);
  if (exits === undefined) return undefined;
  const byId = new Map(exits.map((exit) => [exit.containerId, exit]));
  return new Map(
    containers.flatMap((container) => {
      const exit = byId.get(container.id);
      return exit !== undefined && isOf(container, exit) ? [[container.id, exit] as const] : [];
    }),
  );
}

/** All of a container, newest first; undefined from a daemon that does not remember. */
export async function exitsOf(
  client: Pick<Client, "exits">,
  request: RequestContext,
  container: Named,
): Promise<ExitRecord[] | undefined> {
  const exits = await listExits(client, request, { containerId: container.id });
  return exits?.filter((exit) => isOf(container, exit));
}

const isOf = ({ createdAtNs }: Named, { exitedAtNs }: ExitRecord): boolean =>
  exitedAtNs === undefined || exitedAtNs >= createdAtNs;

async function listExits(
  { exits }: Pick<Client, "exits">,
  request: RequestContext,
  options: ListExitsOptions,
): Promise<ExitRecord[] | undefined> {
  const found: ExitRecord[] = [];
  try {
    for await (const exit of exits.list(request, options)) found.push(exit);
    return found;
  } catch (error) {
    if (!isNotImplemented(error)) throw error;
    return undefined;
  }
}
