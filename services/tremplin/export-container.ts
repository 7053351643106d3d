// ExportContainer: writes a container, running or not, into a file of the shared folder, of which it can be imported again.
import {
  type ExportContainerRequest,
  ExportContainerResponse,
  ContainerExportProgress_Status as Progress,
  ExportContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { closeFd } from "../../runtime/sys/at.js";
import { lxdNotRunning, reasonOf } from "./failure.js";
import type { ListenerNews } from "./listener.js";
import { checkContainerName } from "./names.js";
import type { Transaction } from "./transactions.js";
import { withBackupSnapshot } from "./transfer/backup-snapshot.js";
import { type ExportCount, emptyFile, writeExport } from "./transfer/export-archive.js";
import { paceOf } from "./transfer/pace.js";
import { openShared, sharedNames } from "./transfer/shared-path.js";
import type { Tremplin } from "./tremplin.js";

type News = ListenerNews<"updateExportStatus">;

/** @throws failed_precondition before StartLxd; invalid_argument for a name or a path. */
export async function exportContainer(
  tremplin: Tremplin,
  { containerName, exportPath }: ExportContainerRequest,
): Promise<ExportContainerResponse> {
  if (!tremplin.engine.isStarted()) throw lxdNotRunning();
  checkContainerName(containerName);
  sharedNames(exportPath);
  const transaction = tremplin.transactions.begin(containerName);
  if (transaction === undefined) return ExportContainerResponse.fromPartial({ status: Status.FAILED });
  tremplin.work.run("export", (ending) => run(tremplin, containerName, exportPath, transaction, ending));
  return ExportContainerResponse.fromPartial({ status: Status.EXPORTING });
}

async function run(
  tremplin: Tremplin,
  containerName: string,
  exportPath: string,
  transaction: Transaction,
  ending: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([transaction.signal, ending]);
  const isTime = paceOf(tremplin.timers);
  let last: News = {};
  const onCount = async (count: ExportCount): Promise<void> => {
    last = newsOf(count);
    if (!isTime()) return;
    // The one piece of progress whose failure counts: nobody is left who would want the file.
    await tremplin.listener.call("updateExportStatus", {
      containerName,
      status: Progress.EXPORTING_STREAMING,
      ...last,
    });
  };
  let end: News;
  let target: number | undefined;
  try {
    const fd = openShared(tremplin.sharedDir, exportPath, "write");
    target = fd;
    const count = await withBackupSnapshot(tremplin, containerName, ({ folder, ids }) =>
      writeExport({ folder, ids, target: fd, signal, onCount }),
    );
    end = { status: Progress.DONE, ...newsOf(count) };
  } catch (error) {
    // Whatever comes of it, the last word is said.
    if (target !== undefined)
      await emptyFile(target).catch((err: unknown) => tremplin.log.warn({ err }, "a file stays"));
    end = { ...last, ...failureOf(error, signal), bytesExported: 0n };
  } finally {
    if (target !== undefined) closeFd(target);
    // Before the last word, after which the next request may come at once.
    transaction[Symbol.dispose]();
  }
  await tremplin.listener.tell("updateExportStatus", { ...end, containerName });
}

const newsOf = ({ total, done, exportedBytes }: ExportCount): News => ({
  totalInputFiles: total.files,
  totalInputBytes: BigInt(total.bytes),
  inputFilesStreamed: done.files,
  inputBytesStreamed: BigInt(done.bytes),
  bytesExported: BigInt(exportedBytes),
});

function failureOf(error: unknown, signal: AbortSignal): News {
  if (signal.aborted) return { status: Progress.CANCELLED };
  return { status: Progress.FAILED, failureReason: reasonOf(error) };
}
