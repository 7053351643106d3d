// The list of runtime drivers. The first whose `matches` says yes takes a runtime, so the one that takes all comes last.
import type { DriverDefinition } from "../driver.js";
import { dockerDriver } from "./docker/driver.js";
import { lxdDriver } from "./lxd/driver.js";
import { shimDriver } from "./shim/driver.js";

/** The drivers that a daemon comes with. The last one takes every runtime, so a driver of one's own goes before them. */
export const runtimeDrivers: readonly DriverDefinition[] = [dockerDriver, lxdDriver, shimDriver];
