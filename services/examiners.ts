// Whom the doctor asks, in this order: a later one sees what an earlier one's repairs have left.
import { join } from "node:path";
import type { Examiner } from "../api/core/doctor.js";
import { backendExaminer } from "../metadata/backend-check.js";
import { DATABASE_FILE, type Metadata } from "../metadata/index.js";
import { recordExaminer } from "../metadata/record-check.js";
import { storeExaminer } from "../metadata/store-check.js";
import type { LocalDiffer } from "../runtime/diff/differ.js";
import { hostExaminer } from "../runtime/doctor/host.js";
import { logExaminer } from "../runtime/doctor/logs.js";
import type { HostView } from "../runtime/doctor/task-view.js";
import { tempMountExaminer } from "../runtime/doctor/temp-mounts.js";
import type { LogKeeper } from "../runtime/logs/log-keeper.js";

export interface ExaminerDeps extends Omit<HostView, "containers" | "namespaces"> {
  readonly metadata: Metadata;
  readonly differ: LocalDiffer;
  readonly logs: LogKeeper;
}

export function examiners({ metadata, differ, logs, ...host }: ExaminerDeps): readonly Examiner[] {
  const { containers, content } = metadata;
  const namespaces = async (): Promise<string[]> => (await metadata.namespaces.list({})).map(({ name }) => name);
  const snapshotters = metadata.snapshots.all();
  return [
    storeExaminer(join(host.rootDir, DATABASE_FILE)),
    recordExaminer({ namespaces, containers, snapshotters }),
    backendExaminer({ content, snapshotters }),
    hostExaminer({ ...host, containers, namespaces }),
    tempMountExaminer(differ),
    logExaminer(logs),
  ];
}
