// The payloads of container and namespace events, as containerd words them. Type urls carry no prefix.
// @source containerd api/events; plugins/services/{containers,namespaces}/local.go
import type { Container } from "../api/core/container.js";
import type { Labels } from "../api/core/labels.js";
import type { Namespace } from "../api/core/namespace.js";
import { type Any, anyOfMessage } from "../api/core/typeurl.js";
import { ContainerCreate, ContainerDelete, ContainerUpdate } from "../api/gen/events/container.js";
import { NamespaceCreate, NamespaceDelete, NamespaceUpdate } from "../api/gen/events/namespace.js";

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
