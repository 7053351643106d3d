// The payloads of container, content, image and namespace events, as containerd words them. Type urls carry no prefix.
// @source containerd api/events; plugins/services/{containers,content,images,namespaces}/local.go
import type { Container } from "../api/core/container.js";
import type { ContentInfo } from "../api/core/content.js";
import type { Image } from "../api/core/image.js";
import type { Labels } from "../api/core/labels.js";
import type { Namespace } from "../api/core/namespace.js";
import { type Any, anyOfMessage } from "../api/core/typeurl.js";
import { ContainerCreate, ContainerDelete, ContainerUpdate } from "../api/gen/events/container.js";
import { ContentCreate, ContentDelete } from "../api/gen/events/content.js";
import { NamespaceCreate, NamespaceDelete, NamespaceUpdate } from "../api/gen/events/namespace.js";
import { SnapshotCommit, SnapshotPrepare, SnapshotRemove } from "../api/gen/events/snapshot.js";
import { ImageCreate, ImageDelete, ImageUpdate } from "../api/gen/services/images/v1/images.js";

const toMap = (labels: Labels): Map<string, string> => new Map(Object.entries(labels));

export const containerCreated = ({ id, image, runtime }: Container): Any =>
  anyOfMessage("containerd.events.ContainerCreate", ContainerCreate, {
    id,
    image,
    runtime: { name: runtime.name, options: runtime.options },
  });

export const containerUpdated = ({ id, image, labels, snapshotKey }: Container): Any =>
  anyOfMessage("containerd.events.ContainerUpdate", ContainerUpdate, { id, image, labels: toMap(labels), snapshotKey });

export const containerDeleted = (id: string): Any =>
  anyOfMessage("containerd.events.ContainerDelete", ContainerDelete, { id });

/** Labels as the request had them, empty values included. */
export const namespaceCreated = ({ name, labels }: Namespace): Any =>
  anyOfMessage("containerd.events.NamespaceCreate", NamespaceCreate, { name, labels: toMap(labels) });

/** Labels as the request had them, also those that no path named. */
export const namespaceUpdated = ({ name, labels }: Namespace): Any =>
  anyOfMessage("containerd.events.NamespaceUpdate", NamespaceUpdate, { name, labels: toMap(labels) });

export const namespaceDeleted = (name: string): Any =>
  anyOfMessage("containerd.events.NamespaceDelete", NamespaceDelete, { name });

/** Image events live in the package of the images service. */
export const imageCreated = ({ name, labels }: Image): Any =>
  anyOfMessage("containerd.services.images.v1.ImageCreate", ImageCreate, { name, labels: toMap(labels) });

export const imageUpdated = ({ name, labels }: Image): Any =>
  anyOfMessage("containerd.services.images.v1.ImageUpdate", ImageUpdate, { name, labels: toMap(labels) });

export const imageDeleted = (name: string): Any =>
  anyOfMessage("containerd.services.images.v1.ImageDelete", ImageDelete, { name });

/** What kind of content it is nobody knows here: the field stays empty, as containerd's does. */
export const contentCreated = ({ digest, sizeBytes }: Pick<ContentInfo, "digest" | "sizeBytes">): Any =>
  anyOfMessage("containerd.events.ContentCreate", ContentCreate, { digest, size: BigInt(sizeBytes), mediaType: "" });

export const contentDeleted = (digest: string): Any =>
  anyOfMessage("containerd.events.ContentDelete", ContentDelete, { digest });

export const snapshotPrepared = (snapshotter: string, key: string, parent: string): Any =>
  anyOfMessage("containerd.events.SnapshotPrepare", SnapshotPrepare, { key, parent, snapshotter });

export const snapshotCommitted = (snapshotter: string, key: string, name: string): Any =>
  anyOfMessage("containerd.events.SnapshotCommit", SnapshotCommit, { key, name, snapshotter });

export const snapshotRemoved = (snapshotter: string, key: string): Any =>
  anyOfMessage("containerd.events.SnapshotRemove", SnapshotRemove, { key, snapshotter });
