// What a daemon tells about itself: its plugins and who it is.
// @source containerd client/services.go, core/introspection
import type { RequestContext } from "../core/context.js";
import type { ErrorKind } from "../core/errors.js";
import { IntrospectionService, type Plugin as PluginMessage } from "../gen/services/introspection/v1/introspection.js";
import type { Channel } from "./channel.js";
import { kindOfStatus } from "./errors.js";

/** A part of the daemon, as it announces it: clients look here for what it can do. */
export interface Plugin {
  /** `io.containerd.snapshotter.v1`, for example. */
  readonly type: string;
  /** Unique among those of its type: `overlayfs`. */
  readonly id: string;
  /** Types of the plugins that it builds on. */
  readonly requires: readonly string[];
  /** As people write them: `linux/amd64`. */
  readonly platforms: readonly string[];
  /** Facts by name: `root` is its folder, as a rule. */
  readonly exports: Readonly<Record<string, string>>;
  /** What it can do beyond what its type promises, a word each. */
  readonly capabilities: readonly string[];
  /** Why it did not start; a message that ends in `skip plugin` only says that this host has no use for it. */
  readonly initError?: { readonly kind: ErrorKind; readonly message: string };
}

/** Who a daemon is. */
export interface ServerInfo {
  /** Made once for each root folder. */
  readonly uuid: string;
  /** 0 where the daemon does not tell (containerd before 1.7). */
  readonly pid: bigint;
}

/** What a daemon tells about itself; nothing of it needs a namespace. */
export class RemoteIntrospection {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Filter fields: type, id, platform, capabilities. @throws as the daemon does for a bad filter. */
  async plugins(ctx: RequestContext, filters: readonly string[] = []): Promise<Plugin[]> {
    const { plugins } = await this.#channel.unary(IntrospectionService.plugins, { filters: [...filters] }, ctx);
    return plugins.map(fromMessage);
  }

  /** The daemon's identity. @throws unavailable when it cannot be reached. */
  async server(ctx: RequestContext): Promise<ServerInfo> {
    const { uuid, pid } = await this.#channel.unary(IntrospectionService.server, {}, ctx);
    return { uuid, pid };
  }
}

function fromMessage(message: PluginMessage): Plugin {
  const { type, id, requires, capabilities, initErr } = message;
  return {
    type,
    id,
    requires,
    platforms: message.platforms.map(({ os, architecture, variant }) =>
      [os, architecture, variant].filter((part) => part !== "").join("/"),
    ),
    exports: Object.fromEntries(message.exports),
    capabilities,
    ...(initErr === undefined
      ? {}
      : { initError: { kind: kindOfStatus(initErr.code, initErr.message), message: initErr.message } }),
  };
}
