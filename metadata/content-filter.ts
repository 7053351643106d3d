// Content and ingests as filters see them, and the list of content page by page.
// @source containerd core/content/adaptor.go
import type { ContentInfo } from "../api/core/content.js";
import { type Adaptor, parseFilters } from "../api/core/filters/index.js";
import { readInfos } from "./content-rows.js";
import type { Database } from "./db.js";
import { entryAt } from "./list-filter.js";

const PAGE_RECORDS = 100;

/** `size` can be named but is never there, as in containerd. */
function infoAdaptor({ digest, labels }: ContentInfo): Adaptor {
  return ([field, ...rest]) => {
    if (field === "digest") return digest;
    return field === "labels" ? entryAt(labels, rest) : undefined;
  };
}

/** Which refs are wanted. @throws invalid_argument for a bad filter. */
export function refMatcher(filters: readonly string[]): (ref: string) => boolean {
  const filter = parseFilters(filters);
  return (ref) => filter.match(([field]) => (field === "ref" ? ref : undefined));
}

/** By digest; other work runs between pages. @throws invalid_argument for a bad filter, at the first page. */
export async function* contentPages(
  db: Database,
  namespace: string,
  filters: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly ContentInfo[]> {
  const filter = parseFilters(filters);
  let after: string | undefined = "";
  while (after !== undefined) {
    const from: string = after;
    const infos: ContentInfo[] = db.view((reader) => readInfos(reader, namespace, from, PAGE_RECORDS));
    const matching = infos.filter((info) => filter.match(infoAdaptor(info)));
    if (matching.length > 0) yield matching;
    after = infos.length < PAGE_RECORDS ? undefined : infos.at(-1)?.digest;
    if (after !== undefined) await new Promise<void>((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
}
