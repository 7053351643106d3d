// What the calls of the service share: whom they ask, whom they tell, and what goes on behind their answers.
import type { Client } from "../../api/client/client.js";
import type { Logger } from "../../api/core/log.js";
import type { Clock } from "../../api/core/time.js";
import { KeyedMutex } from "../../runtime/keyed-mutex.js";
import type { LxdServer } from "../../runtime/lxd/server.js";
import type { Listener } from "./listener.js";
import { LxdEngine } from "./lxd-engine.js";
import { systemTimers, type Timers } from "./timers.js";
import { Transactions } from "./transactions.js";
import { Upgrades } from "./upgrades.js";
import { UsbManager } from "./usb/manager.js";
import { Watching } from "./watching.js";
import { BackgroundWork } from "./work.js";

/** Where its containers and tasks are found in the daemon. */
export const TREMPLIN_NAMESPACE = "tremplin";
/** What runs them. */
export const LXD_RUNTIME = "io.berth.lxd.v1";

/** Where things are and how they are called; everything but the folders has a default. */
export interface TremplinSettings {
  /** LXD_DIR of the LXD that is started. */
  readonly lxdDir: string;
  /** What starts LXD, as it is. Default: `lxd`. */
  readonly lxdCommand?: readonly [string, ...string[]];
  /** Address and width of the containers' network. Default: 100.115.92.193/28. */
  readonly lxdSubnet?: string;
  /** Below it the files of exports and imports are, and containers see it as /mnt/chromeos. Default: /mnt/shared. */
  readonly sharedDir?: string;
  /** Where tokens of containers are kept while they run. */
  readonly tokensDir: string;
  /** Gets what LXD writes on its way up and down; that of the one before is kept beside it. */
  readonly lxdLog: string;
  /** What `%d` stands for in the address of an image server. Default: none, and such an address is refused. */
  readonly milestone?: number;
  /** Where the kernel shows its devices. Default: /sys. */
  readonly sysDir?: string;
}

export interface TremplinDeps extends TremplinSettings {
  /** Of the daemon whose containers and tasks these will be, for the namespace {@link TREMPLIN_NAMESPACE}. */
  readonly client: Client;
  /** The LXD that the daemon's driver uses: the one in `lxdDir`. */
  readonly lxd: LxdServer;
  readonly listener: Listener;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default: the system's. */
  readonly timers?: Timers;
}

/** The state of one server. */
export interface Tremplin extends Required<Omit<TremplinDeps, "milestone">> {
  readonly milestone: number | undefined;
  readonly engine: LxdEngine;
  /** By a container's name: who makes it, changes it or takes it away has the name for himself. */
  readonly names: KeyedMutex;
  readonly work: BackgroundWork;
  /** Aborted when the server ends. */
  readonly ending: AbortSignal;
  readonly transactions: Transactions;
  readonly upgrades: Upgrades;
  readonly usb: UsbManager;
  readonly watching: Watching;
}

export function makeTremplin(deps: TremplinDeps): Tremplin {
  const work = new BackgroundWork(deps.log);
  const lxdCommand = deps.lxdCommand ?? ["lxd"];
  return {
    ...deps,
    lxdCommand,
    lxdSubnet: deps.lxdSubnet ?? "100.115.92.193/28",
    sharedDir: deps.sharedDir ?? "/mnt/shared",
    sysDir: deps.sysDir ?? "/sys",
    milestone: deps.milestone,
    timers: deps.timers ?? systemTimers,
    // LXD lives by the machine's time, whatever time the heartbeats are held at.
    engine: new LxdEngine({ ...deps, command: lxdCommand, logFile: deps.lxdLog, timers: systemTimers }),
    names: new KeyedMutex(),
    work,
    ending: work.ending,
    transactions: new Transactions(),
    upgrades: new Upgrades(),
    usb: new UsbManager(),
    watching: new Watching(),
  };
}
