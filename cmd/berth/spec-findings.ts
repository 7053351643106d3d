// What is wrong with a spec, for the commands that look.
import { PROCESS_RUNTIME } from "../../api/client/run/container-parts.js";
import { type SpecFinding, validateSpec } from "../../api/client/spec/validate-spec.js";
import type { Container } from "../../api/core/container.js";
import type { Listing } from "./output.js";
import type { ColourName } from "./render/colour.js";

/** As its runtime would see it. */
export function findingsOf(
  text: string,
  container: Pick<Container, "runtime"> | undefined,
  runtime?: string,
): SpecFinding[] {
  return validateSpec(text, {
    runtime: runtime ?? container?.runtime.name,
    ignoresIsolation: container !== undefined && ignoresIsolation(container),
  });
}

export const isError = ({ level }: SpecFinding): boolean => level === "error";

export const findingText = ({ path, message }: SpecFinding): string => (path === "" ? message : `${path}: ${message}`);

const colour = ({ level }: SpecFinding): ColourName => (level === "error" ? "red" : "yellow");

export const findingListing: Listing<SpecFinding> = {
  style: { gap: 3, lastColumn: "bare" },
  id: ({ path }) => path,
  columns: [
    { title: "LEVEL", text: ({ level }) => level, colour },
    { title: "WHERE", text: ({ path }) => path || "-" },
    { title: "WHAT", text: ({ message }) => message },
  ],
  fields: ["level", "path", "message"],
  json: ({ level, path, message }) => ({ level, path, message }),
};

/** The options of the process runtime are JSON; others say nothing of isolation. */
function ignoresIsolation({ runtime }: Pick<Container, "runtime">): boolean {
  if (runtime.name !== PROCESS_RUNTIME || runtime.options === undefined) return false;
  try {
    const options: unknown = JSON.parse(runtime.options.value.toString());
    return typeof options === "object" && options !== null && "isolation" in options && options.isolation === "ignore";
  } catch {
    return false;
  }
}
