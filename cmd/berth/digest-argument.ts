// Arguments that are digests.
import { digestProblem } from "../../api/core/digest.js";
import { UsageError } from "./exit-status.js";

/** The argument, if it is a digest. @throws UsageError, in the words that `ctr` has for it. */
export function digestArgument(text: string | undefined): string {
  const problem = digestProblem(text ?? "");
  if (problem !== undefined) throw new UsageError(problem);
  return text ?? "";
}
