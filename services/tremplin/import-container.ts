// ImportContainer: makes a container of an archive in the shared folder, in place of one that has the name already.
import { fstatSync } from "node:fs";
import {
  type ImportContainerRequest,
  ImportContainerResponse,
  ContainerImportProgress_Status as Progress,
  ImportContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { createInstance } from "../../runtime/lxd/instances.js";
import { closeFd } from "../../runtime/sys/at.js";
import { lxdNotRunning, reasonOf } from "./failure.js";
import type { ListenerNews } from "./listener.js";
import { checkContainerName, IMPORT_NAME } from "./names.js";
import type { Transaction } from "./transactions.js";
import { checkImport } from "./transfer/import-checks.js";
import { removeImported, takeName } from "./transfer/imported-instance.js";
import { paceOf } from "./transfer/pace.js";
import { openShared, pathOfFd, sharedNames } from "./transfer/shared-path.js";
import { unpackProgress } from "./transfer/unpack-progress.js";
import { removeImage, type UploadedImage, uploadImage } from "./transfer/upload.js";
import type { Tremplin } from "./tremplin.js";

type News = ListenerNews<"updateImportStatus">;

/** @throws failed_precondition before StartLxd; invalid_argument for a name or a path. */
export async function importContainer(
  tremplin: Tremplin,
  request: ImportContainerRequest,
): Promise<ImportContainerResponse> {
  if (!tremplin.engine.isStarted()) throw lxdNotRunning();
  checkContainerName(request.containerName);
  sharedNames(request.importPath);
  const transaction = tremplin.transactions.begin(request.containerName);
  if (transaction === undefined) return ImportContainerResponse.fromPartial({ status: Status.FAILED });
  tremplin.work.run("import", (ending) => run(tremplin, request, transaction, ending));
  return ImportContainerResponse.fromPartial({ status: Status.IMPORTING });
}

async function run(
  tremplin: Tremplin,
  request: ImportContainerRequest,
  transaction: Transaction,
  ending: AbortSignal,
): Promise<void> {
  const { containerName } = request;
  const signal = AbortSignal.any([transaction.signal, ending]);
  let end: News;
  try {
    // One after another: they share the name of what is not whole yet.
    end = await tremplin.names.run(IMPORT_NAME, () => bring(tremplin, request, signal), signal);
  } catch (error) {
    end = signal.aborted ? { status: Progress.CANCELLED } : { status: Progress.FAILED, failureReason: reasonOf(error) };
  } finally {
    // Before the last word, after which the next request may come at once.
    transaction[Symbol.dispose]();
  }
  await tremplin.listener.tell("updateImportStatus", { ...end, containerName });
}

/** @returns the last word, unless it is a failure. */
async function bring(
  tremplin: Tremplin,
  { containerName, importPath, availableDiskSpace }: ImportContainerRequest,
  signal: AbortSignal,
): Promise<News> {
  const { lxd, log } = tremplin;
  const source = openShared(tremplin.sharedDir, importPath, "read");
  let image: UploadedImage | undefined;
  try {
    const refusal = await checkImport(tremplin, source, availableDiskSpace);
    if (refusal !== undefined) return refusal;
    image = await upload(tremplin, source, containerName, signal);
    signal.throwIfAborted();
    await removeImported(tremplin);
    await unpack(tremplin, image, containerName);
    signal.throwIfAborted();
    await takeName(tremplin, containerName);
    return { status: Progress.DONE };
  } catch (error) {
    await removeImported(tremplin).catch((err: unknown) => {
      log.warn({ err }, "a container that was imported in part stays");
    });
    throw error;
  } finally {
    closeFd(source);
    // It is no reason to fail: the next start removes it.
    if (image !== undefined) {
      await removeImage(lxd, image).catch((err: unknown) => {
        log.warn({ err }, "the image of an import stays");
      });
    }
  }
}

async function upload(
  { lxd, listener, timers }: Tremplin,
  source: number,
  containerName: string,
  signal: AbortSignal,
): Promise<UploadedImage> {
  const isTime = paceOf(timers);
  const { size } = fstatSync(source);
  return await uploadImage(lxd, pathOfFd(source), {
    signal,
    onBytes: (sent) => {
      if (!isTime()) return;
      const progressPercent = Math.min(100, Math.floor((sent * 100) / size));
      const news = { containerName, status: Progress.IMPORTING_UPLOAD, progressPercent };
      void listener.tell("updateImportStatus", news);
    },
  });
}

/** LXD does not let go of it before its end. */
async function unpack(
  { lxd, listener, timers }: Tremplin,
  { fingerprint }: UploadedImage,
  containerName: string,
): Promise<void> {
  const isTime = paceOf(timers);
  await createInstance(
    lxd,
    { name: IMPORT_NAME, source: { type: "fingerprint", fingerprint } },
    {
      onNews: (operation) => {
        const progress = unpackProgress(operation);
        if (progress === undefined || !isTime()) return;
        const { percent: progressPercent, speed: progressSpeed } = progress;
        const news = { containerName, status: Progress.IMPORTING_UNPACK, progressPercent, progressSpeed };
        void listener.tell("updateImportStatus", news);
      },
    },
  );
}
