// Temporary mounts of the differ that no job uses: a job that failed in a bad moment may leave one.
import type { Discovery, Examiner } from "../../api/core/doctor.js";
import type { LocalDiffer } from "../diff/differ.js";
import { takeDown } from "../diff/temp-mount.js";

export function tempMountExaminer(differ: Pick<LocalDiffer, "strayMounts">): Examiner {
  return {
    async *examine(): AsyncGenerator<Discovery> {
      for (const folder of await differ.strayMounts()) {
        yield {
          kind: "mount-without-job",
          namespace: "",
          subject: folder,
          detail: "a temporary mount that no layer is read from or written to",
          isProblem: true,
          repair: async () => {
            if (!(await differ.strayMounts()).includes(folder)) return false;
            takeDown(folder);
            return true;
          },
        };
      }
    },
  };
}
