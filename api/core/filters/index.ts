// containerd's filter language: what every List and Subscribe takes to choose among its objects.
// @source containerd pkg/filters
import { RE2JS } from "re2js";
import { checkFilterSize, checkPatternCost } from "./limits.js";
import { type ParsedSelector, parseFilter } from "./parser.js";

/**
 * Looks up a field of the object at hand: `["labels", "a", "b"]` for `labels.a.b`. undefined means absent, which is not the
 * same as "" to a selector without operator. Pieces after a scalar field are to be ignored, as containerd does.
 */
export type Adaptor = (path: readonly string[]) => string | undefined;

/** One condition of a filter. */
export interface Selector {
  readonly path: readonly string[];
  /**
   * `present`: the field is there; `==`: it is there and equal; `!=`: it differs, or is absent and `value` is not ""; `~=`: the
   * RE2 pattern `value` is found in it (absent: in ""). `always` and `never` were decided by the text alone: bytes that are no
   * UTF-8, a pattern that does not compile.
   */
  readonly operator: "present" | "==" | "!=" | "~=" | "always" | "never";
  /** "" where the operator takes none. */
  readonly value: string;
}

export interface Filter {
  /** One of these must match: each is a list of selectors that all match. An empty list matches everything. */
  readonly selectors: readonly (readonly Selector[])[];
  match(adaptor: Adaptor): boolean;
}

/**
 * Reads filters, any of which may match; none at all match everything.
 * @throws invalid_argument `filters: parse error: [BEFORE >|C|< AFTER]: WHY: invalid argument`. containerd's list methods of
 * containers, images and leases say the class once more: they wrap this error's message with `invalidArgument()`.
 */
export function parseFilters(filters: readonly string[]): Filter {
  checkFilterSize(filters);
  const parsed = filters.length === 0 ? [[]] : filters.map(parseFilter);
  checkPatternCost(parsed.flat().map(({ operator, value }) => (operator === "~=" ? (value ?? "") : "")));
  const alternatives = parsed.map((all) => all.map(prepare));
  return {
    selectors: alternatives.map((conditions) => conditions.map(({ selector }) => selector)),
    match: (adaptor) =>
      alternatives.some((conditions) => conditions.every(({ selector, test }) => test(adaptor(selector.path)))),
  };
}

interface Condition {
  readonly selector: Selector;
  /** Whether a field with this value (undefined: absent) satisfies it. */
  readonly test: (value: string | undefined) => boolean;
}

function prepare(parsed: ParsedSelector): Condition {
  const path = parsed.path.filter((piece) => piece !== undefined);
  const test = testOf(parsed);
  // A path that is no text names nothing: the field is absent whatever the object.
  if (path.length < parsed.path.length) return decided(path, test?.(undefined) ?? false);
  if (test === undefined) return decided(path, parsed.operator === "!=");
  return { selector: { path, operator: parsed.operator, value: parsed.value ?? "" }, test };
}

const decided = (path: readonly string[], isMatch: boolean): Condition => ({
  selector: { path, operator: isMatch ? "always" : "never", value: "" },
  test: () => isMatch,
});

/** undefined when no text of a field can make a difference. */
function testOf({ operator, value }: ParsedSelector): Condition["test"] | undefined {
  if (operator === "present") return (actual) => actual !== undefined;
  if (value === undefined) return undefined;
  switch (operator) {
    case "==":
      return (actual) => actual === value;
    case "!=":
      return (actual) => (actual ?? "") !== value;
    case "~=": {
      const pattern = compile(value);
      return pattern && ((actual) => pattern.test(actual ?? ""));
    }
  }
}

/** Patterns are client input: RE2's language runs in linear time. One that does not compile is no error and matches nothing. */
function compile(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(pattern);
  } catch {
    return undefined;
  }
}
