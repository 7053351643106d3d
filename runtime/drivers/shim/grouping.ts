// Groups: containers whose specs carry the same group's name share one shim, which they find by that name.
// @source containerd runtime/v2/runc/v2/service.go (groupLabels)
import * as z from "zod";

const GROUP_ANNOTATIONS = ["io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"];
const Spec = z.object({ annotations: z.record(z.string(), z.unknown()).nullish() });

/** Whether the task of this config.json belongs to a group; so does, for safety, one whose config.json cannot be read. */
export function isGrouped(spec: Uint8Array): boolean {
  try {
    const { annotations } = Spec.parse(JSON.parse(Buffer.from(spec).toString()));
    return GROUP_ANNOTATIONS.some((name) => annotations != null && Object.hasOwn(annotations, name));
  } catch {
    return true;
  }
}
