// The host against the daemon's tasks and records: every part in turn, what others depend on first.
import type { Examiner } from "../../api/core/doctor.js";
import { examineBridges } from "./bridges.js";
import { examineBundles, examineTasks } from "./bundles.js";
import { examineClientMounts, examineNetworks } from "./client-places.js";
import { examineDisks, examineKernel, examineRuntimes } from "./fitness.js";
import { examineMounts } from "./mounts.js";
import { examineCgroups, examinePipes } from "./shared-places.js";
import { examineShims } from "./shims.js";
import { examineSockets } from "./sockets.js";
import type { HostView } from "./task-view.js";

export function hostExaminer(view: HostView): Examiner {
  return {
    async *examine(signal) {
      yield* examineKernel(view);
      yield* examineDisks(view);
      yield* examineRuntimes(view);
      yield* examineTasks(view);
      yield* view.tasks.examine(signal);
      yield* examineShims(view);
      yield* examineMounts(view);
      yield* examineBundles(view);
      yield* examineSockets(view);
      yield* examineBridges(view);
      yield* examineCgroups(view);
      yield* examinePipes();
      yield* examineClientMounts();
      yield* examineNetworks(view);
    },
  };
}
