// Calls that must be refused, made by raw clients. Each is made to a real containerd and to berthd, and both must answer with
// the same code and the same words; where ours differ on purpose, the row says how and why.
import { containers } from "./containers.js";
import { events } from "./events.js";
import { leases } from "./leases.js";
import { namespaces } from "./namespaces.js";
import { tasks } from "./tasks.js";
import type { WrongCall } from "./wrong-call.js";

/** In this order. */
export const WRONG_CALLS: readonly WrongCall[] = [...containers, ...namespaces, ...leases, ...tasks, ...events];
