// What is owed to one container of the load: how far its life had come in acknowledged calls, and which call, if any, the daemon
// took with it when it was killed. Such a call may have happened or not; `settle` writes down which, once it is known.

/** Something that is not there, comes, is there, goes, and is gone. In `coming` and `going` a call is on its way. */
export type Stage = "none" | "coming" | "there" | "going" | "gone";

export class Thing {
  stage: Stage = "none";
  /** Whether the call that brings it was once lost on its way and had not happened. */
  wasLost = false;

  /** Runs the call that brings it. What fails stays on its way: nobody knows. */
  async bring(call: () => Promise<void>): Promise<void> {
    this.stage = "coming";
    await call();
    this.stage = "there";
  }

  /** Runs the call that takes it away. */
  async remove(call: () => Promise<void>): Promise<void> {
    this.stage = "going";
    await call();
    this.stage = "gone";
  }

  /** Whether it must be there (true), must not be there (false), or may be either. */
  get owed(): boolean | undefined {
    if (this.stage === "coming" || this.stage === "going") return undefined;
    return this.stage === "there";
  }

  settle(isThere: boolean): void {
    this.wasLost ||= this.stage === "coming" && !isThere;
    if (this.stage === "coming") this.stage = isThere ? "there" : "none";
    if (this.stage === "going") this.stage = isThere ? "there" : "gone";
  }
}

export const KILLED_STATUS = 137;
/** runc's init ends so when the runc that starts it dies as it is about to be let go. */
export const CUT_OFF_STATUS = 1;

/** A program and how it ends by itself; undefined when it never does. */
export interface Part {
  readonly args: readonly string[];
  readonly status: number | undefined;
}

/** One process: the task's own or an exec. Brought by Create or Exec, removed by Delete. */
export class ProcessStory extends Thing {
  readonly execId: string;
  readonly part: Part;
  /** Its start: `there` once it has run. */
  readonly run = new Thing();
  pid = 0;
  isKilled = false;
  /** Whether the start that was lost with the daemon ended it. */
  isCutOff = false;
  /** Whether it ended without having run: a delete that was lost with the daemon had killed it, and not come to removing it. */
  isUnrun = false;
  /** False for an exec that its client forgets: it goes with its task. */
  readonly isDeleted: boolean;

  constructor(execId: string, part: Part, isDeleted = true) {
    super();
    this.execId = execId;
    this.part = part;
    this.isDeleted = isDeleted;
  }

  /** The only exit statuses that may be told of it. */
  get statuses(): readonly number[] {
    if (this.isCutOff) return [CUT_OFF_STATUS];
    const own = this.part.status === undefined ? [] : [this.part.status];
    const killed = this.isKilled || this.part.status === undefined ? [KILLED_STATUS] : [];
    return [...own, ...killed];
  }
}

export class ContainerStory {
  readonly id: string;
  readonly record = new Thing();
  /** Values of its label that were acknowledged last, and that the lost call would have written. */
  label = "";
  nextLabel: string | undefined;
  updatesLeft: number;
  readonly init: ProcessStory;
  readonly execs: readonly ProcessStory[];
  /** Whether its root file system is mounted by the shim, else used where it is. */
  readonly isMounted: boolean;
  /** Whether a start of the task that was lost and had not happened is tried again; else the task is deleted as it is. */
  readonly retriesLostStart: boolean;

  constructor(
    id: string,
    updates: number,
    init: ProcessStory,
    execs: readonly ProcessStory[],
    choices: Pick<ContainerStory, "isMounted" | "retriesLostStart">,
  ) {
    this.id = id;
    this.updatesLeft = updates;
    this.init = init;
    this.execs = execs;
    this.isMounted = choices.isMounted;
    this.retriesLostStart = choices.retriesLostStart;
  }

  get processes(): readonly ProcessStory[] {
    return [this.init, ...this.execs];
  }

  /** How far it has come, in a line. */
  toString(): string {
    const processes = this.processes.map(({ execId, stage, run }) => `${execId || "init"} ${stage}/${run.stage}`);
    return `${this.id} (record ${this.record.stage}, ${processes.join(", ")})`;
  }

  get isOver(): boolean {
    return this.record.stage === "gone";
  }
}
