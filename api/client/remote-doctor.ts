// The daemon's doctor, asked from afar. Ours alone: containerd answers not_implemented.
import type { RequestContext } from "../core/context.js";
import type { Doctor, Finding } from "../core/doctor.js";
import { DoctorService } from "../gen/berth/v1/doctor.js";
import type { Channel } from "./channel.js";

export class RemoteDoctor implements Doctor {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async *check(ctx: RequestContext, { repair }: { readonly repair: boolean }): AsyncGenerator<Finding> {
    for await (const found of this.#channel.stream(DoctorService.check, { repair }, ctx)) {
      const { kind, namespace, subject, detail, isProblem, repairable, repaired } = found;
      yield { kind, namespace, subject, detail, isProblem, repairable, repaired };
    }
  }
}
