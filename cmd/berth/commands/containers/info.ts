// berth containers info: one record, with its spec in the clear.
import type { Container } from "../../../../api/core/container.js";
import { formatTime } from "../../../../api/core/time.js";
import type { Any } from "../../../../api/core/typeurl.js";
import { defineCommand } from "../../command.js";

export const command = defineCommand<{ spec?: boolean }>({
  arguments: "<container>",
  lists: "document",
  completes: ["container"],
  examples: [
    { line: "berth containers info web", does: "the record with its spec" },
    { line: "berth containers info --spec web", does: "only the spec" },
    { line: "berth containers info --fields Image,CreatedAt web", does: "two fields of the record" },
  ],
  options: (command) => {
    command.option("--spec", "only the spec");
  },
  run: async ({ client, request, output }, [id = ""], flags) => {
    const container = await client.containers.get(request, id);
    const spec = parseSpec(container.spec);
    output.document(flags.spec === true ? spec : describe(container, spec));
  },
});

/** In the form that ctr shows. */
function describe(container: Container, spec: unknown): unknown {
  const { runtime, extensions } = container;
  const labels = sorted(container.labels);
  const entries = sorted(extensions).map(([key, any]) => [key, describeAny(any)] as const);
  return {
    ID: container.id,
    Labels: labels.length === 0 ? null : new Map(labels),
    Image: container.image,
    Runtime: { Name: runtime.name, Options: runtime.options === undefined ? null : describeAny(runtime.options) },
    SnapshotKey: container.snapshotKey,
    Snapshotter: container.snapshotter,
    CreatedAt: formatTime(container.createdAtNs),
    UpdatedAt: formatTime(container.updatedAtNs),
    Extensions: entries.length === 0 ? null : new Map(entries),
    ...(container.sandbox === "" ? {} : { SandboxID: container.sandbox }),
    Spec: spec,
  };
}

/** By key; a containerd sends maps in no order. */
function sorted<T>(map: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(map).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function describeAny({ typeUrl, value }: Any): unknown {
  return { type_url: typeUrl, value: value.length === 0 ? undefined : value };
}

/** Specs are JSON as a rule; another one is shown as what it is. */
function parseSpec(spec: Any): unknown {
  try {
    return JSON.parse(spec.value.toString());
  } catch {
    return describeAny(spec);
  }
}
