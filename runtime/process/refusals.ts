// What a spec may ask for that a process of the host cannot have. A task that would get less than its spec says is not made,
// unless its options say that isolation may be left out.
import { invalidArgument } from "../../api/core/errors.js";
import { hostProcessRefusals, hostSpecRefusals } from "../../api/core/host-spec.js";
import type { Mount } from "../../api/core/task.js";
import type { ProcessOptions } from "./options.js";
import type { OciProcess, OciSpec } from "./spec.js";

/** What in a spec only an isolating runtime can keep, by name. */
export function specRefusals(spec: OciSpec, rootfs: readonly Mount[]): string[] {
  return [...(rootfs.length > 0 ? ["rootfs"] : []), ...hostSpecRefusals(spec)];
}

/** The same of a process alone. */
export const processRefusals = (process: OciProcess | null | undefined): string[] => hostProcessRefusals(process);

/** @throws invalid_argument that names all of them, unless none counts. `limits` count in any case. */
export function refuse(
  refusals: readonly string[],
  { isolation }: ProcessOptions,
  limits: readonly string[] = [],
): void {
  const all = isolation === "ignore" ? limits : [...refusals, ...limits];
  if (all.length === 0) return;
  const uid = process.geteuid?.() ?? -1;
  const need =
    limits.length === 0 ? "" : ` (limits take a control group that uid ${uid} may write to, with their controllers)`;
  throw invalidArgument(`a process of the host cannot have ${all.join(", ")}${need}`);
}
