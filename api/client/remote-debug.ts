// Profiles of the daemon's process, asked from afar. Ours alone: containerd answers not_implemented.
import type { RequestContext } from "../core/context.js";
import type { Debug, ProfileKind } from "../core/debug.js";
import { DebugService, ProfileKind as WireKind } from "../gen/berth/v1/debug.js";
import type { Channel } from "./channel.js";

const KINDS: Readonly<Record<ProfileKind, WireKind>> = {
  cpu: WireKind.CPU,
  heap: WireKind.HEAP,
  allocations: WireKind.ALLOCATIONS,
  trace: WireKind.TRACE,
  block: WireKind.BLOCK,
  report: WireKind.REPORT,
};

export class RemoteDebug implements Debug {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async *profile(
    ctx: RequestContext,
    kind: ProfileKind,
    { durationMs = 0 }: { readonly durationMs?: number } = {},
  ): AsyncGenerator<Uint8Array> {
    const request = { kind: KINDS[kind], durationMs: Math.ceil(durationMs) };
    for await (const { data } of this.#channel.stream(DebugService.profile, request, ctx)) {
      yield data;
    }
  }
}
