// The door `berthd/client`: a client of Berth or containerd with its words (records, stores, errors), the stdio of tasks, OCI
// specs, and images to and from registries.
export type { CollectionReport, Collector, CollectorNode, HoldingChain, Removal } from "../core/collector.js";
export type { Container, ContainerStore, ContainerUpdate, NewContainer } from "../core/container.js";
export type {
  CommitOptions,
  ContentInfo,
  ContentReader,
  ContentStore,
  ContentWriter,
  IngestStatus,
  ReadOptions,
  WriterOptions,
} from "../core/content.js";
export type { PeerCredentials, RequestContext } from "../core/context.js";
export type { Debug, ProfileKind } from "../core/debug.js";
export type { Descriptor } from "../core/descriptor.js";
export type { ApplyOptions, Differ, DiffOptions } from "../core/diff.js";
export type { Doctor, Finding } from "../core/doctor.js";
export {
  ContainerdError,
  type ErrorKind,
  type ErrorTrailers,
  errorKind,
  isAlreadyExists,
  isFailedPrecondition,
  isInvalidArgument,
  isNotFound,
  isNotImplemented,
  isUnavailable,
} from "../core/errors.js";
export type { EventEnvelope } from "../core/event.js";
export type { ExitRecord, ExitRequest, Exits, ListExitsOptions } from "../core/exit-record.js";
export type { Image, ImageStore, NewImage } from "../core/image.js";
export type { Labels } from "../core/labels.js";
export type { Lease, LeaseResource, LeaseStore } from "../core/lease.js";
export type { Namespace, NamespaceStore } from "../core/namespace.js";
export { familiarName, normalizeReference, parseReference, type Reference } from "../core/reference.js";
export type {
  CommitSnapshotOptions,
  PrepareOptions,
  SnapshotInfo,
  SnapshotKind,
  SnapshotStore,
  Snapshotters,
  SnapshotUsage,
} from "../core/snapshot.js";
export type {
  CreateTaskOptions,
  ExecOptions,
  Mount,
  ProcessExit,
  ProcessInfo,
  ProcessState,
  Stdio,
  TaskDescriptor,
  TaskMetrics,
  TaskStatus,
  Tasks,
} from "../core/task.js";
export {
  LOG_KEEP,
  LOG_LABEL,
  LOG_MAX_SEGMENTS_LABEL,
  LOG_MAX_SIZE_LABEL,
  LOG_NONE,
  type LogBatch,
  type LogEntry,
  type LogStreamName,
  type ReadLogOptions,
  type TaskLogs,
} from "../core/task-log.js";
export {
  type Any,
  anyOfJson,
  anyOfMessage,
  LINUX_RESOURCES_TYPE,
  PROCESS_TYPE,
  RUNC_OPTIONS_TYPE,
  SPEC_TYPE,
} from "../core/typeurl.js";
export { type BlobSource, type ContentIngester, waitForWriter, writeBlob } from "../core/write-blob.js";
export { type Client, type ConnectOptions, connect } from "./connect.js";
export { type ExportedImage, type ExportOptions, exportImages } from "./distribution/archive/export.js";
export { type ImportOptions, importImages } from "./distribution/archive/import.js";
export { type ConvertOptions, convertImage } from "./distribution/convert.js";
export { snapshotLabel } from "./distribution/gc-labels.js";
export { resolveManifest } from "./distribution/manifest.js";
export {
  ALL_PLATFORMS,
  exactPlatforms,
  formatPlatform,
  hostPlatform,
  onlyPlatforms,
  type Platform,
  type PlatformMatcher,
  parsePlatform,
} from "./distribution/platform.js";
export type { ObjectStatus, OnProgress, ProgressEvent } from "./distribution/progress.js";
export { type PullOptions, pull } from "./distribution/pull.js";
export { type PushOptions, push } from "./distribution/push.js";
export type { CredentialSource, Credentials, Login, WholeHeader } from "./distribution/registry/authorizer.js";
export { dockerCredentials } from "./distribution/registry/credentials.js";
export type { ClientCertificate } from "./distribution/registry/host.js";
export type { HttpWatcher } from "./distribution/registry/http-log.js";
export { createRegistry, type RegistryClient, type RegistryOptions } from "./distribution/registry/registry.js";
export type { ImageStores } from "./distribution/stores.js";
export type { Fetcher, Pusher, PushSource, Registry } from "./distribution/transport.js";
export { chainIds, isUnpacked, type UnpackOptions, unpack } from "./distribution/unpack.js";
export type { UnpackDestination } from "./distribution/unpack-targets.js";
export { DOCKER_RUNTIME, type DockerOptions, dockerOptions, type PublishedPort } from "./docker-options.js";
export type { DaemonEvent, EventOf, EventTopic, OtherEvent } from "./events/daemon-event.js";
export type { FileChange } from "./files/changes.js";
export type { CommitOptions as CommitContainerOptions } from "./files/commit.js";
export type { ContainerFiles, CopyFilesOptions } from "./files/files.js";
export { type ConfigChange, type ConfigDocument, parseConfigChange } from "./files/image-config.js";
export { type Copy, type CopyOptions, copyStreams, type LocalStreams } from "./io/copy.js";
export { FifoEnds, type ProcessStreams } from "./io/fifo-ends.js";
export { type FifoOptions, makeFifos, NULL_STDIO, removeFifos } from "./io/fifos.js";
export { LXD_RUNTIME, type LxdImageSource, type LxdOptions, lxdOptions } from "./lxd-options.js";
export type { FollowOptions, RemoteEvents } from "./remote-events.js";
export type { Plugin, RemoteIntrospection, ServerInfo } from "./remote-introspection.js";
export { withLease } from "./remote-lease-store.js";
export type { PastEvent, ReadEventsOptions, RemoteLedger } from "./remote-ledger.js";
export type { RemoteTransfer } from "./remote-transfer.js";
export type { TaskUsage } from "./run/metrics.js";
export type {
  HostRunOptions,
  ImageRunOptions,
  Limits,
  OutputMode,
  ProcessOptions,
  RootfsRunOptions,
  RunOptions,
  StdioOption,
  TaskExecOptions,
  TerminalSize,
} from "./run/options.js";
export type { OutputOptions, ProcessOutput } from "./run/output.js";
export type { ProcessResult } from "./run/process-result.js";
export type { FindTaskOptions } from "./run/run.js";
export type { Task } from "./run/task.js";
export type { TaskProcess, WebStreams } from "./run/task-process.js";
export { createSpec, type SpecOptions } from "./spec/create-spec.js";
export { type ExecProcessOptions, execProcess, type InheritedProcess } from "./spec/exec-process.js";
export type { Process, Spec, SpecMount, User } from "./spec/oci.js";
export { createProcessSpec, type ProcessSpec, type ProcessSpecOptions } from "./spec/process-spec.js";
export type {
  HttpLog,
  RegistryAccess,
  TransferExportOptions,
  TransferImportOptions,
  TransferNews,
  TransferOptions,
  TransferPullOptions,
  TransferPushOptions,
  UnpackTarget,
} from "./transfer-options.js";
