// The host against the daemon's tasks and records: every part in turn, what others depend on first.
import type { Examiner } from "../../api/core/doctor.js";
import { examineBundles, examineTasks } from "./bundles.js";
import { examineMounts } from "./mounts.js";
import { examineCgroups, examinePipes } from "./shared-places.js";
import { examineShims } from "./shims.js";
import { examineSockets } from "./sockets.js";
import type { HostView } from "./task-view.js";

export function hostExaminer(view: HostView): Examiner {
  return {
    async *examine() {
      yield* examineTasks(view);
      yield* examineShims(view);
      yield* examineMounts(view);
      yield* examineBundles(view);
      yield* examineSockets(view);
      yield* examineCgroups(view);
      yield* examinePipes();
    },
  };
}
