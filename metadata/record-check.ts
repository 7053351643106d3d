// What the doctor says of records that name others: containers whose snapshot is gone cannot have a task any more.
import type { Discovery, Examiner } from "../api/core/doctor.js";
import { isNotFound } from "../api/core/errors.js";
import type { LocalContainerStore } from "./containers.js";
import type { LocalSnapshotStore } from "./snapshots.js";

export interface RecordView {
  readonly namespaces: () => Promise<readonly string[]>;
  readonly containers: Pick<LocalContainerStore, "stream">;
  readonly snapshotters: readonly Pick<LocalSnapshotStore, "name" | "stat">[];
}

export function recordExaminer({ namespaces, containers, snapshotters }: RecordView): Examiner {
  /** Why a snapshot cannot be used; undefined where it can. */
  async function problemOf(namespace: string, snapshotter: string, key: string): Promise<string | undefined> {
    const store = snapshotters.find(({ name }) => name === snapshotter);
    if (store === undefined) return `snapshotter ${snapshotter} is not at work here`;
    try {
      await store.stat({ namespace }, key);
      return undefined;
    } catch (error) {
      if (isNotFound(error)) return `snapshotter ${snapshotter} has no snapshot ${key}`;
      throw error;
    }
  }
  return {
    async *examine(signal): AsyncGenerator<Discovery> {
      for (const namespace of await namespaces()) {
        for await (const { id, snapshotter, snapshotKey } of containers.stream({ namespace })) {
          signal?.throwIfAborted();
          if (snapshotKey === "") continue;
          const detail = await problemOf(namespace, snapshotter, snapshotKey);
          if (detail !== undefined) {
            yield { kind: "container-without-snapshot", namespace, subject: id, detail, isProblem: true };
          }
        }
      }
    },
  };
}
