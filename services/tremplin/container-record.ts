// The records of containers in the store: one for each instance.
import type { Tremplin } from "./tremplin.js";

export async function reconcileRecords(_tremplin: Tremplin): Promise<void> {}
