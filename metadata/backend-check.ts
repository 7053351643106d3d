// What the doctor says of records and the files behind them: bytes and folders that are gone, and those that nobody names. The
// latter also wait for the collector between a removal and its next run, so they are notes; a repair frees them at once.
import type { Discovery, Examiner } from "../api/core/doctor.js";
import type { LocalContentStore } from "./content.js";
import type { LocalSnapshotStore } from "./snapshots.js";

export interface BackendView {
  readonly content: Pick<LocalContentStore, "audit" | "cleanup">;
  readonly snapshotters: readonly Pick<LocalSnapshotStore, "name" | "audit" | "cleanup">[];
}

const UNNAMED = "no record names it; the collector would free it";

export function backendExaminer({ content, snapshotters }: BackendView): Examiner {
  const stray = (kind: string, subject: string, cleanup: () => Promise<unknown>): Discovery => ({
    kind,
    namespace: "",
    subject,
    detail: UNNAMED,
    isProblem: false,
    repair: () => cleanup().then(() => true),
  });
  async function* examineContent(): AsyncGenerator<Discovery> {
    const { broken, strayBlobs, strayIngests } = await content.audit();
    for (const { namespace, digest, detail } of broken) {
      const remedy = `${detail}; remove it, then pull what needs it`;
      yield { kind: "broken-blob", namespace, subject: digest, detail: remedy, isProblem: true };
    }
    for (const digest of strayBlobs) yield stray("blob-without-record", digest, () => content.cleanup());
    for (const ref of strayIngests) yield stray("ingest-without-record", ref, () => content.cleanup());
  }
  return {
    async *examine(signal) {
      yield* examineContent();
      for (const store of snapshotters) {
        signal?.throwIfAborted();
        const { missing, strays } = await store.audit();
        for (const { namespace, name } of missing) {
          const detail = `the ${store.name} snapshotter has no folder of it; remove it, then unpack what needs it`;
          yield { kind: "snapshot-without-folder", namespace, subject: name, detail, isProblem: true };
        }
        for (const id of strays) {
          yield stray("folder-without-snapshot", `${store.name} ${id}`, () => store.cleanup());
        }
      }
    },
  };
}
