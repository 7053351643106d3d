// Clears up after a server that was killed while it made a container.
import type { Tremplin } from "./tremplin.js";

export async function recoverCreate(_tremplin: Tremplin): Promise<void> {}
