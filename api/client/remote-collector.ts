// The daemon's collector, asked from afar. Ours alone: containerd answers not_implemented.
import type { CollectionReport, Collector, CollectorNode, HoldingChain } from "../core/collector.js";
import type { RequestContext } from "../core/context.js";
import { ContainerdError } from "../core/errors.js";
import { CollectorService, type CollectorNode as NodeMessage } from "../gen/berth/v1/collector.js";
import type { Channel } from "./channel.js";

export class RemoteCollector implements Collector {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async collect(
    options: { readonly dryRun?: boolean; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<CollectionReport> {
    const request = { dryRun: options.dryRun ?? false };
    const reply = await this.#channel.unary(CollectorService.collect, request, { signal: options.signal });
    return {
      removed: reply.removed.map(({ node, reason }) => ({ ...fromNode(node), reason })),
      freedBytes: Number(reply.freedBytes),
      pauseNs: reply.pauseNs,
    };
  }

  async explain(ctx: RequestContext, subject: string): Promise<readonly HoldingChain[]> {
    const { chains } = await this.#channel.unary(CollectorService.explain, { subject }, ctx);
    return chains.map(({ steps }) => steps.map(({ node, by }) => ({ node: fromNode(node), by })));
  }
}

const TYPES: readonly CollectorNode["type"][] = ["content", "snapshot", "ingest", "lease", "image", "container"];

function fromNode(node: NodeMessage | undefined): CollectorNode {
  const type = TYPES.find((known) => known === node?.type);
  if (node === undefined || type === undefined) {
    throw new ContainerdError("internal", `the reply names a thing of unknown type ${node?.type ?? ""}: internal`);
  }
  return { type, namespace: node.namespace, key: node.key };
}
