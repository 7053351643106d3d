// Logs whose container is gone: one that was deleted while no daemon looked is found at the next start, and here.
import type { Discovery, Examiner } from "../../api/core/doctor.js";
import type { LogKeeper } from "../logs/log-keeper.js";

export function logExaminer(keeper: Pick<LogKeeper, "strays" | "deleted">): Examiner {
  return {
    async *examine(): AsyncGenerator<Discovery> {
      for (const { namespace, id, folder } of await keeper.strays()) {
        yield {
          kind: "log-without-container",
          namespace,
          subject: folder,
          detail: "what tasks of a container wrote that does not exist any more",
          isProblem: false,
          repair: async () => await keeper.deleted(namespace, id),
        };
      }
    },
  };
}
