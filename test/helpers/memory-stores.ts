// A ledger and container records in memory, for tests of what runs on them and not of them.
import type { Container, ContainerReader } from "../../api/core/container.js";
import { requireNamespace } from "../../api/core/context.js";
import { notFound } from "../../api/core/errors.js";
import type { EventEnvelope } from "../../api/core/event.js";
import type { ExitDetails, ExitRequest } from "../../api/core/exit-record.js";
import { quote } from "../../api/core/quote.js";
import type { ProcessExit } from "../../api/core/task.js";
import type { OpenProcess, ProcessName, TaskLedger, TaskName } from "../../api/core/task-ledger.js";
import { systemClock } from "../../api/core/time.js";
import type { Any } from "../../api/core/typeurl.js";
import { toldProcesses } from "../../metadata/migrations/0002-told-processes.js";
import { openSqlite } from "../../metadata/sqlite.js";
import { type SqlValue, Statements } from "../../metadata/statements.js";
import { exitToldBy, type ToldProcess } from "../../metadata/told-exits.js";
import { noteTelling, readOpenProcesses } from "../../metadata/told-processes.js";

/** Keeps what is appended and told; nobody can subscribe, tests look at `events`. */
export class MemoryLedger implements TaskLedger {
  readonly events: EventEnvelope[] = [];
  /** What was said of ends, beside their events. */
  readonly details: ExitDetails[] = [];
  readonly requests: (ProcessName & { readonly request: ExitRequest | undefined })[] = [];
  readonly lastLines: (TaskName & { readonly lines: readonly Uint8Array[] })[] = [];
  readonly #told = openSqlite(":memory:");
  readonly #statements = new Statements(this.#told);

  constructor() {
    this.#told.exec(toldProcesses.sql);
  }

  get position(): bigint {
    return BigInt(this.events.length);
  }

  async tell(envelopes: readonly EventEnvelope[], details?: ExitDetails): Promise<void> {
    if (details !== undefined) this.details.push(details);
    const tx = {
      nowNs: systemClock(),
      get: <Row>(sql: string, ...values: readonly SqlValue[]) => this.#statements.get<Row>(sql, ...values),
      run: (sql: string, ...values: readonly SqlValue[]) => this.#statements.run(sql, ...values),
    };
    for (const envelope of envelopes) if (noteTelling(tx, envelope) !== "known") this.events.push(envelope);
  }

  async noteRequest(process: ProcessName, request: ExitRequest | undefined): Promise<void> {
    this.requests.push({ ...process, request });
  }

  async noteLastLines(task: TaskName, lines: readonly Uint8Array[]): Promise<void> {
    this.lastLines.push({ ...task, lines });
  }

  async endsWithoutLines(): Promise<TaskName[]> {
    return [];
  }

  async openProcesses(task?: { readonly namespace: string; readonly containerId: string }): Promise<OpenProcess[]> {
    return readOpenProcesses(this.#statements, task);
  }

  async exitOf(process: ToldProcess): Promise<ProcessExit | undefined> {
    for (const event of this.events.toReversed()) {
      const exit = exitToldBy(event, process);
      if (exit !== undefined) return exit;
    }
    return undefined;
  }

  async append(envelopes: readonly EventEnvelope[]): Promise<void> {
    this.events.push(...envelopes);
  }

  subscribe(): never {
    throw new Error("nobody subscribes to a ledger in memory");
  }
}

export class MemoryContainers implements ContainerReader {
  readonly #containers = new Map<string, Container>();

  add(namespace: string, id: string, runtime: Container["runtime"], spec: Any, image = ""): void {
    this.#containers.set(`${namespace}/${id}`, {
      id,
      labels: {},
      image,
      runtime,
      spec,
      snapshotter: "",
      snapshotKey: "",
      createdAtNs: 0n,
      updatedAtNs: 0n,
      extensions: {},
      sandbox: "",
    });
  }

  remove(namespace: string, id: string): void {
    this.#containers.delete(`${namespace}/${id}`);
  }

  async get(ctx: { readonly namespace?: string | undefined }, id: string): Promise<Container> {
    const namespace = requireNamespace(ctx);
    const container = this.#containers.get(`${namespace}/${id}`);
    if (container === undefined) throw notFound(`container ${quote(id)} in namespace ${quote(namespace)}`);
    return container;
  }
}
