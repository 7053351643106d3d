// Namespaces between wire and record. A missing message is an empty one, as old clients send it.
import type { Namespace } from "../../api/core/namespace.js";
import { Namespace as NamespaceMessage } from "../../api/gen/services/namespaces/v1/namespace.js";
import { toMap, toRecord } from "../maps.js";

export const toNamespaceMessage = (namespace: Namespace): NamespaceMessage =>
  NamespaceMessage.fromPartial({ name: namespace.name, labels: toMap(namespace.labels) });

export const fromNamespaceMessage = (message: NamespaceMessage | undefined): Namespace => ({
  name: message?.name ?? "",
  labels: toRecord(message?.labels ?? new Map()),
});
