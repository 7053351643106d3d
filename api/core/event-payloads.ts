// Which message comes with which topic: every payload that containerd itself publishes and every one of ours.
// @source containerd api/events, core/runtime/events.go (topics)
import { Finding } from "../gen/berth/v1/doctor.js";
import { ContainerCreate, ContainerDelete, ContainerUpdate } from "../gen/events/container.js";
import { ContentCreate, ContentDelete } from "../gen/events/content.js";
import { NamespaceCreate, NamespaceDelete, NamespaceUpdate } from "../gen/events/namespace.js";
import { SandboxCreate, SandboxExit, SandboxStart } from "../gen/events/sandbox.js";
import { SnapshotCommit, SnapshotPrepare, SnapshotRemove } from "../gen/events/snapshot.js";
import {
  TaskCheckpointed,
  TaskCreate,
  TaskDelete,
  TaskExecAdded,
  TaskExecStarted,
  TaskExit,
  TaskOOM,
  TaskPaused,
  TaskResumed,
  TaskStart,
} from "../gen/events/task.js";
import { ImageCreate, ImageDelete, ImageUpdate } from "../gen/services/images/v1/images.js";
import { REMOVAL_TOPIC, REMOVAL_TYPE, removalCodec } from "./collector.js";
import { DOCKER_PULL_TOPIC, DOCKER_PULL_TYPE, dockerPullCodec } from "./docker-pull.js";
import { TASK_VERDICT_TYPE, taskVerdictCodec } from "./task-verdict.js";

/** The message of a topic. */
export interface Payload<T> {
  /** Its full name. */
  readonly typeName: string;
  decode(bytes: Uint8Array): T;
}

const event = <T>(name: string, codec: { decode(bytes: Uint8Array): T }): Payload<T> => ({
  typeName: `containerd.events.${name}`,
  decode: (bytes) => codec.decode(bytes),
});
const imageEvent = <T>(name: string, codec: { decode(bytes: Uint8Array): T }): Payload<T> => ({
  typeName: `containerd.services.images.v1.${name}`,
  decode: (bytes) => codec.decode(bytes),
});
const verdict = { typeName: TASK_VERDICT_TYPE, decode: taskVerdictCodec.decode };

/** By topic. Those that begin with `/berth/` come only to who names them. */
export const EVENT_PAYLOADS = {
  "/containers/create": event("ContainerCreate", ContainerCreate),
  "/containers/update": event("ContainerUpdate", ContainerUpdate),
  "/containers/delete": event("ContainerDelete", ContainerDelete),
  "/content/create": event("ContentCreate", ContentCreate),
  "/content/delete": event("ContentDelete", ContentDelete),
  "/images/create": imageEvent("ImageCreate", ImageCreate),
  "/images/update": imageEvent("ImageUpdate", ImageUpdate),
  "/images/delete": imageEvent("ImageDelete", ImageDelete),
  "/namespaces/create": event("NamespaceCreate", NamespaceCreate),
  "/namespaces/update": event("NamespaceUpdate", NamespaceUpdate),
  "/namespaces/delete": event("NamespaceDelete", NamespaceDelete),
  "/sandboxes/create": event("SandboxCreate", SandboxCreate),
  "/sandboxes/start": event("SandboxStart", SandboxStart),
  "/sandboxes/exit": event("SandboxExit", SandboxExit),
  "/snapshot/prepare": event("SnapshotPrepare", SnapshotPrepare),
  "/snapshot/commit": event("SnapshotCommit", SnapshotCommit),
  "/snapshot/remove": event("SnapshotRemove", SnapshotRemove),
  "/tasks/create": event("TaskCreate", TaskCreate),
  "/tasks/start": event("TaskStart", TaskStart),
  "/tasks/exit": event("TaskExit", TaskExit),
  "/tasks/delete": event("TaskDelete", TaskDelete),
  "/tasks/oom": event("TaskOOM", TaskOOM),
  "/tasks/exec-added": event("TaskExecAdded", TaskExecAdded),
  "/tasks/exec-started": event("TaskExecStarted", TaskExecStarted),
  "/tasks/paused": event("TaskPaused", TaskPaused),
  "/tasks/resumed": event("TaskResumed", TaskResumed),
  "/tasks/checkpointed": event("TaskCheckpointed", TaskCheckpointed),
  "/berth/tasks/lost": verdict,
  "/berth/tasks/settled": verdict,
  "/berth/tasks/cleaned": verdict,
  [DOCKER_PULL_TOPIC]: { typeName: DOCKER_PULL_TYPE, decode: dockerPullCodec.decode },
  [REMOVAL_TOPIC]: { typeName: REMOVAL_TYPE, decode: removalCodec.decode },
  "/berth/doctor/repaired": { typeName: "berth.v1.Finding", decode: (bytes: Uint8Array) => Finding.decode(bytes) },
} as const;
