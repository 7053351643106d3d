// What clients have made of content, snapshots, images, leases and containers in one namespace, and what of it may be collected:
// written down naively, as sets and a loop that goes on until nothing is added, to hold real collectors against.

export type Labels = Readonly<Record<string, string>>;

export interface Thing {
  labels: Labels;
  /** Names of what it holds by itself: target, snapshot, parent. */
  readonly holds: readonly string[];
  /** Only of leases: what was put into it. */
  readonly resources?: Set<string>;
  /** Only of ingests: whether it was ever opened without a lease. */
  isOwn?: boolean;
}

/** Names are `content/b0`, `snapshot/s0`, `image/i0`, `lease/l0`, `container/c0`, `ingest/r0`. */
export type World = Map<string, Thing>;

const PREFIX = "containerd.io/gc.";
export const PAST = "2001-01-01T00:00:00Z";
export const FUTURE = "2999-01-01T00:00:00Z";

const kindOf = (name: string): string => name.slice(0, name.indexOf("/"));
const hasExpired = ({ labels }: Thing): boolean => labels[`${PREFIX}expire`] === PAST;

function isRoot(name: string, thing: Thing): boolean {
  switch (kindOf(name)) {
    case "container":
      return true;
    case "image":
    case "lease":
      return !hasExpired(thing);
    case "ingest":
      return thing.isOwn === true;
    default:
      return Object.keys(thing.labels).some((key) => key.startsWith(`${PREFIX}root`));
  }
}

/** The thing that a label names, if it is a reference of this sort (`ref` or `bref`). In this model values are names. */
function named(sort: "ref" | "bref", key: string, value: string): string | undefined {
  const match = new RegExp(
    `^containerd\\.io/gc\\.${sort}\\.(content|image|container|snapshot\\.native)(?:[./].*)?$`,
  ).exec(key);
  if (match === null || (sort === "ref" && match[1] === "container")) return undefined;
  return value;
}

/** The names of what stays. */
export function reachable(world: World): Set<string> {
  const whole = new Set<string>();
  const flat = new Set<string>();
  for (const [name, thing] of world) if (isRoot(name, thing)) whole.add(name);
  for (let before = -1; before !== whole.size + flat.size; ) {
    before = whole.size + flat.size;
    for (const [name, thing] of world) {
      if (whole.has(name) && kindOf(name) === "lease") {
        for (const held of thing.resources ?? [])
          (thing.labels[`${PREFIX}flat`] === undefined ? whole : flat).add(held);
        continue;
      }
      for (const set of [whole, flat]) if (set.has(name)) for (const held of thing.holds) set.add(held);
      for (const [key, value] of Object.entries(thing.labels)) {
        const held = named("ref", key, value);
        if (held !== undefined && whole.has(name)) whole.add(held);
        const holder = named("bref", key, value);
        if (holder !== undefined && whole.has(holder) && world.has(holder)) whole.add(name);
      }
    }
  }
  return new Set([...world.keys()].filter((name) => whole.has(name) || flat.has(name)));
}

/** Takes away what may be collected. */
export function collect(world: World): void {
  const kept = reachable(world);
  for (const name of [...world.keys()]) if (!kept.has(name)) world.delete(name);
}
