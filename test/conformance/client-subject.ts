// Whose clients the suite of clients looks at.
import type { Client } from "../../api/client/index.js";
import type { DisposeScope } from "../../api/core/dispose.js";

/** Opens a client of the daemon under test, with the values that its calls carry by default. The caller disposes it. */
export type OpenClient = (defaults?: { readonly namespace?: string; readonly leaseId?: string }) => Client;

/** Starts the daemon under test; it ends with the scope. */
export type StartSubject = (scope: DisposeScope) => Promise<OpenClient>;
