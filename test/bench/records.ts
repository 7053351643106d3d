// Records over the API: Create, Get, Update, List and Delete of containers with a spec of about 6 KB and three labels, by
// 1, 8 and 64 callers over one connection to each daemon.
import { createSpec } from "../../api/client/spec/create-spec.js";
import { anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import type { Container } from "../../api/gen/services/containers/v1/containers.js";
import type { Engine } from "../helpers/engine.js";
import { call, collect, headers, type RawClients, rawClients } from "../helpers/grpc.js";
import { inTurn, median, throughput } from "./measure.js";
import { figure, type Row } from "./table.js";

export interface RecordsOptions {
  readonly engines: readonly Engine[];
  readonly rounds: number;
  /** Records that each operation works on. */
  readonly count: number;
  readonly callers: readonly number[];
}

const NAMESPACE = "bench";
const LISTS = 8;
/** With 64 callers whole lists would measure the memory of the client. */
const MOST_LISTERS = 8;
/** Filled up with annotations to what a real one has. */
const SPEC_BYTES = 6 * 1024;

function recordOf(id: string): Container {
  const spec = createSpec({ namespace: NAMESPACE, id, rootfs: "/srv/rootfs", args: ["/bin/true"] });
  const missing = SPEC_BYTES - JSON.stringify(spec).length;
  spec.annotations = { filler: "x".repeat(Math.max(0, missing)) };
  return {
    id,
    labels: new Map([
      ["app", "bench"],
      ["tier", "one"],
      ["number", id],
    ]),
    image: "example.com/bench:1",
    runtime: { name: "io.containerd.runc.v2" },
    spec: anyOfJson(SPEC_TYPE, spec),
    snapshotter: "",
    snapshotKey: "",
    extensions: new Map(),
    sandbox: "",
  };
}

type Operation = (clients: RawClients, index: number) => Promise<unknown>;
const metadata = headers(NAMESPACE);

/** In this order they start and end with an empty namespace. */
function operations(records: readonly Container[]): readonly (readonly [string, Operation])[] {
  const record = (index: number): Container => {
    const found = records[index];
    if (found === undefined) throw new RangeError(`no record ${index}`);
    return found;
  };
  return [
    ["Create", ({ containers }, index) => call(containers, containers.create, { container: record(index) }, metadata)],
    ["Get", ({ containers }, index) => call(containers, containers.get, { id: record(index).id }, metadata)],
    [
      "Update",
      ({ containers }, index) => {
        const container = { ...record(index), labels: new Map([["tier", `two-${index}`]]) };
        return call(containers, containers.update, { container, updateMask: ["labels.tier"] }, metadata);
      },
    ],
    ["Delete", ({ containers }, index) => call(containers, containers.delete, { id: record(index).id }, metadata)],
  ];
}

/** Operations per second of every daemon and round, by name of the row. */
type Figures = Map<string, Map<string, number[]>>;

function note(figures: Figures, row: string, engine: string, value: number): void {
  const byEngine = figures.get(row) ?? new Map<string, number[]>();
  byEngine.set(engine, [...(byEngine.get(engine) ?? []), value]);
  figures.set(row, byEngine);
}

/** Of the rows, by how they begin. */
const ORDER = ["Create", "Get", "Update", "Delete", "List of", "ListStream"];

export async function benchRecords(options: RecordsOptions): Promise<Row[]> {
  const records = Array.from({ length: options.count }, (_, index) => recordOf(`c${index}`));
  const figures: Figures = new Map();
  const rivals = options.engines.map((engine) => ({ name: engine.name, clients: rawClients(engine.address) }));
  try {
    // The first round warms both up and is thrown away.
    for (let round = 0; round <= options.rounds; round += 1) {
      const into: Figures = round === 0 ? new Map() : figures;
      for (const callers of options.callers) await oneRound(options, round, callers, records, rivals, into);
    }
  } finally {
    for (const { clients } of rivals) clients[Symbol.dispose]();
  }
  const place = (what: string): number => ORDER.findIndex((name) => what.startsWith(name));
  const sorted = [...figures].sort(([a], [b]) => place(a) - place(b));
  return sorted.map(([what, byEngine]) => {
    const [theirs, ours] = [median(byEngine.get("containerd") ?? []), median(byEngine.get("berthd") ?? [])];
    return { what, containerd: `${figure(theirs)} /s`, berthd: `${figure(ours)} /s`, ratio: ours / theirs };
  });
}

async function oneRound(
  options: RecordsOptions,
  round: number,
  callers: number,
  records: readonly Container[],
  rivals: readonly { readonly name: string; readonly clients: RawClients }[],
  figures: Figures,
): Promise<void> {
  const who = `${callers} caller${callers === 1 ? "" : "s"}`;
  for (const [name, operation] of operations(records)) {
    if (name === "Delete" && callers <= MOST_LISTERS) {
      for (const { name: engine, clients } of inTurn(rivals, round)) {
        const { containers } = clients;
        const lists = await throughput(LISTS, callers, () =>
          call(containers, containers.list, { filters: [] }, metadata),
        );
        note(figures, `List of ${records.length}, ${who}`, engine, lists);
        const streams = await throughput(LISTS, callers, () =>
          collect(containers.listStream({ filters: [] }, metadata)),
        );
        note(figures, `ListStream of ${records.length}, ${who}`, engine, streams);
      }
    }
    for (const { name: engine, clients } of inTurn(rivals, round)) {
      const rate = await throughput(options.count, callers, (index) => operation(clients, index));
      note(figures, `${name}, ${who}`, engine, rate);
    }
  }
}
