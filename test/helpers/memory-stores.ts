// A ledger and container records in memory, for tests of what runs on them and not of them.
import type { Container, ContainerReader } from "../../api/core/container.js";
import { requireNamespace } from "../../api/core/context.js";
import { notFound } from "../../api/core/errors.js";
import type { EventEnvelope, EventLedger } from "../../api/core/event.js";
import { quote } from "../../api/core/quote.js";
import type { Any } from "../../api/core/typeurl.js";

/** Keeps what is appended; nobody can subscribe, tests look at `events`. */
export class MemoryLedger implements EventLedger {
  readonly events: EventEnvelope[] = [];

  async append(envelopes: readonly EventEnvelope[]): Promise<void> {
    this.events.push(...envelopes);
  }

  subscribe(): never {
    throw new Error("nobody subscribes to a ledger in memory");
  }
}

export class MemoryContainers implements ContainerReader {
  readonly #containers = new Map<string, Container>();

  add(namespace: string, id: string, runtime: Container["runtime"], spec: Any): void {
    this.#containers.set(`${namespace}/${id}`, {
      id,
      labels: {},
      image: "",
      runtime,
      spec,
      snapshotter: "",
      snapshotKey: "",
      createdAtNs: 0n,
      updatedAtNs: 0n,
      extensions: {},
      sandbox: "",
    });
  }

  remove(namespace: string, id: string): void {
    this.#containers.delete(`${namespace}/${id}`);
  }

  async get(ctx: { readonly namespace?: string | undefined }, id: string): Promise<Container> {
    const namespace = requireNamespace(ctx);
    const container = this.#containers.get(`${namespace}/${id}`);
    if (container === undefined) throw notFound(`container ${quote(id)} in namespace ${quote(namespace)}`);
    return container;
  }
}
