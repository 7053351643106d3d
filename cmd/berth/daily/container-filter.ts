// --filter of berth ps: containerd's own filters, and the short ones that people know from Docker, in one filter for the daemon.
import { quote } from "../../../api/core/quote.js";
import { UsageError } from "../exit-status.js";
import { CONTAINER_STATES, type ContainerState } from "./container-row.js";

export interface ContainerFilter {
  /** For the store; none, or one that says all of it. */
  readonly filters: readonly string[];
  /** One of these; undefined: any. */
  readonly states: ReadonlySet<ContainerState> | undefined;
}

/** Other words for states. */
const STATE_WORDS: Readonly<Record<string, ContainerState>> = { up: "running", stopped: "exited", dead: "exited" };

/** A container must pass all of them, of those about its state one. @throws UsageError. */
export function parseContainerFilters(texts: readonly string[]): ContainerFilter {
  const parts: string[] = [];
  const states = new Set<ContainerState>();
  for (const text of texts) {
    // containerd's operators; its filters are passed on as they are.
    if (/==|~=|!=/.test(text)) {
      parts.push(text);
      continue;
    }
    const at = text.indexOf("=");
    const [key, value] = at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
    if (at >= 0 && (key === "status" || key === "state")) states.add(parseState(value));
    else parts.push(shortFilter(text, key, value, at >= 0));
  }
  return {
    filters: parts.length === 0 ? [] : [parts.join(",")],
    states: states.size === 0 ? undefined : states,
  };
}

function parseState(word: string): ContainerState {
  const state = CONTAINER_STATES.find((one) => one === word) ?? STATE_WORDS[word];
  if (state === undefined) throw new UsageError(`state "${word}" is none of ${CONTAINER_STATES.join(", ")}`);
  return state;
}

function shortFilter(text: string, key: string, value: string, hasValue: boolean): string {
  if (hasValue && value !== "") {
    switch (key) {
      case "name":
      case "id":
        return `id~=${quote(escapeRegExp(value))}`;
      case "image":
      case "ancestor":
        return `image~=${quote(escapeRegExp(value))}`;
      case "runtime":
        return `runtime.name==${quote(value)}`;
      case "label": {
        const at = value.indexOf("=");
        if (at < 0) return `labels.${quote(value)}`;
        return `labels.${quote(value.slice(0, at))}==${quote(value.slice(at + 1))}`;
      }
    }
  }
  throw new UsageError(
    `filter "${text}" is neither one of containerd's (id==web, labels.tier==one) nor status=, name=, image=, runtime= or label=`,
  );
}

const escapeRegExp = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
