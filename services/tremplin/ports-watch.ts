// Tells the listener on which ports the containers listen: all running containers with all their ports each time, when something has
// changed and once a minute in any case. The kernel tells nobody that a port was opened, so it is asked once a second.
import { isNotFound } from "../../api/core/errors.js";
import type { ListeningPortInfo_ContainerPortInfo } from "../../api/gen/vm_tools/tremplin.js";
import { readProcess } from "../../runtime/host-processes.js";
import { getInstanceState, listInstances } from "../../runtime/lxd/instances.js";
import { readListeningPorts } from "./listening-ports.js";
import { isInternalName } from "./names.js";
import type { Tremplin } from "./tremplin.js";

const LOOK_MS = 1_000;
const REFRESH_MS = 60_000;

/** Of a container's init, which has the container's network namespace; a number may come back, with the ticks it does not. */
interface Init {
  readonly pid: number;
  readonly startTicks: string;
}

/** By the container's name, sorted. */
type Picture = ReadonlyMap<string, readonly number[]>;

/** Resolves when it watches. */
export async function watchPorts(tremplin: Tremplin): Promise<AsyncDisposable> {
  return new PortsWatch(tremplin);
}

class PortsWatch implements AsyncDisposable {
  readonly #tremplin: Tremplin;
  readonly #inits = new Map<string, Init>();
  readonly #timer: Disposable;
  #told = keyOf(new Map());
  #toldAtMs: number;
  #isTelling = false;
  #looking: Promise<void> | undefined;

  constructor(tremplin: Tremplin) {
    this.#tremplin = tremplin;
    this.#toldAtMs = tremplin.timers.now();
    this.#timer = tremplin.timers.every(LOOK_MS, () => {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]();
    await this.#looking;
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { timers, listener, log } = this.#tremplin;
    try {
      const picture = await this.#read();
      const key = keyOf(picture);
      // A listener that takes its time gets the newest picture next.
      if (this.#isTelling || (key === this.#told && timers.now() - this.#toldAtMs < REFRESH_MS)) return;
      this.#told = key;
      this.#toldAtMs = timers.now();
      this.#isTelling = true;
      const containerPorts = new Map<string, ListeningPortInfo_ContainerPortInfo>();
      for (const [name, ports] of picture) containerPorts.set(name, { listeningTcp4Ports: [...ports] });
      void listener.tell("updateListeningPorts", { containerPorts }).finally(() => {
        this.#isTelling = false;
      });
    } catch (err) {
      // LXD may be away for a moment; half a picture would be a wrong one.
      log.debug({ err }, "cannot see the listening ports");
    }
  }

  async #read(): Promise<Picture> {
    const instances = await listInstances(this.#tremplin.lxd);
    const running = instances.filter(({ name, status }) => status === "Running" && !isInternalName(name));
    const names = running.map(({ name }) => name).sort();
    for (const name of this.#inits.keys()) if (!names.includes(name)) this.#inits.delete(name);
    const picture = new Map<string, readonly number[]>();
    for (const name of names) {
      const ports = (await this.#portsOf(name)) ?? (await this.#portsOf(name));
      if (ports !== undefined) picture.set(name, ports);
    }
    return picture;
  }

  /** undefined when the container does not run any more, or has another init than the one known here, which is forgotten then. */
  async #portsOf(name: string): Promise<readonly number[] | undefined> {
    const init = this.#inits.get(name) ?? (await this.#findInit(name));
    if (init === undefined) return undefined;
    this.#inits.set(name, init);
    const ports = await readListeningPorts(init.pid).catch(() => undefined);
    // Asked afterwards, so what was read is this init's.
    if (ports !== undefined && (await readProcess(init.pid))?.startTicks === init.startTicks) return ports;
    this.#inits.delete(name);
    return undefined;
  }

  async #findInit(name: string): Promise<Init | undefined> {
    try {
      const { pid } = await getInstanceState(this.#tremplin.lxd, name);
      const found = pid > 0 ? await readProcess(pid) : undefined;
      return found === undefined ? undefined : { pid, startTicks: found.startTicks };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

const keyOf = (picture: Picture): string => JSON.stringify([...picture]);
