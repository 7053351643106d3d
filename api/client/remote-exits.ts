// The exits that a daemon remembers, asked from afar. Ours alone: containerd answers not_implemented.
import type { RequestContext } from "../core/context.js";
import type { ExitRecord, Exits, ListExitsOptions } from "../core/exit-record.js";
import { fromTimestamp, toTimestamp } from "../core/time.js";
import { type ExitRecord as ExitMessage, ExitsService } from "../gen/berth/v1/exits.js";
import type { Channel } from "./channel.js";

export class RemoteExits implements Exits {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async *list(ctx: RequestContext, options: ListExitsOptions = {}): AsyncGenerator<ExitRecord> {
    const { containerId = "", sinceNs, limit = 0, execs = false, latest = false } = options;
    const since = sinceNs === undefined ? undefined : toTimestamp(sinceNs);
    const request = { containerId, since, limit, execs, latest };
    for await (const message of this.#channel.stream(ExitsService.list, request, ctx)) yield fromMessage(message);
  }
}

function fromMessage(message: ExitMessage): ExitRecord {
  const { containerId, execId, attempt, pid, requested, image, runtime } = message;
  return {
    ...{ containerId, execId, attempt, pid, image, runtime, message: message.message },
    startedAtNs: fromTimestamp(message.startedAt),
    exitedAtNs: fromTimestamp(message.exitedAt),
    exitStatus: message.statusKnown ? message.exitStatus : undefined,
    signal: message.signal === 0 ? undefined : message.signal,
    isOutOfMemory: message.outOfMemory,
    requested: requested && {
      timeNs: fromTimestamp(requested.time) ?? 0n,
      ...{ signal: requested.signal, pid: requested.pid, uid: requested.uid, gid: requested.gid, by: requested.by },
    },
    lastLines: message.lastLines,
  };
}
