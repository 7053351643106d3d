// CreateContainer: makes a container of two archives, or of an image on a server, behind its answer.
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { isAbsolute } from "node:path";
import {
  ContainerCreationProgress_Status,
  type CreateContainerRequest,
  CreateContainerResponse,
  CreateContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import type { LxdInstance } from "../../runtime/lxd/instances.js";
import { lookUp } from "./containers.js";
import { reasonOf } from "./failure.js";
import { type ImageSource, isUnfinished, makeContainer } from "./make-container.js";
import { checkContainerName } from "./names.js";
import type { Tremplin } from "./tremplin.js";

const answer = (status: Status, failureReason = ""): CreateContainerResponse =>
  CreateContainerResponse.fromPartial({ status, failureReason });

export async function createContainer(
  tremplin: Tremplin,
  request: CreateContainerRequest,
): Promise<CreateContainerResponse> {
  const { containerName: name } = request;
  checkContainerName(name);
  const present = await lookUp(tremplin, name);
  if (present !== undefined && !mayReplace(tremplin, present)) return answer(Status.EXISTS);
  let source: OpenSource;
  try {
    source = await openSource(request);
  } catch (error) {
    return answer(Status.FAILED, reasonOf(error));
  }
  tremplin.work.run(`create container ${name}`, async (signal) => {
    await using _files = source;
    const failureReason = await makeContainer(tremplin, name, { source, unfinished: present }, signal).then(
      () => undefined,
      reasonOf,
    );
    const status = ContainerCreationProgress_Status[failureReason === undefined ? "CREATED" : "FAILED"];
    await tremplin.listener.tell("updateCreateStatus", {
      containerName: name,
      status,
      ...(failureReason !== undefined && { failureReason }),
    });
  });
  return answer(Status.CREATING);
}

/** What was made here and never came to run, unless somebody is about it just now. */
const mayReplace = ({ names }: Tremplin, instance: LxdInstance): boolean =>
  isUnfinished(instance) && !names.isHeld(instance.name);

/** Disposing it closes the files. */
type OpenSource = ImageSource & AsyncDisposable;

/** @throws when a file cannot be opened. */
async function openSource(request: CreateContainerRequest): Promise<OpenSource> {
  const { rootfsPath, metadataPath, imageServer, imageAlias } = request;
  if (rootfsPath === "" || metadataPath === "") {
    return { type: "server", server: imageServer, alias: imageAlias, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const rootfs = await openFile(rootfsPath, "image rootfs");
  try {
    const metadata = await openFile(metadataPath, "image metadata");
    return {
      type: "archives",
      rootfs,
      metadata,
      [Symbol.asyncDispose]: async () => {
        await rootfs.close();
        await metadata.close();
      },
    };
  } catch (error) {
    await rootfs.close();
    throw error;
  }
}

async function openFile(path: string, what: string): Promise<FileHandle> {
  const failed = (error: unknown): Error => new Error(`failed to open ${what}: ${reasonOf(error)}`, { cause: error });
  if (!isAbsolute(path)) throw failed(`${path} is no absolute path`);
  // Without the wait for whoever writes into a FIFO.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw failed(error);
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw failed(`${path} is no file`);
}
