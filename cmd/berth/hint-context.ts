// What hints are made of: the call that failed, and a client that still works.
import type { Command as CommanderCommand } from "commander";
import type { Client } from "../../api/client/connect.js";
import type { Command } from "./command.js";
import type { GlobalFlags } from "./program.js";

/** The call that failed. */
export interface FailedCall {
  readonly command: Command;
  readonly commander: CommanderCommand;
  readonly client: Client;
  readonly namespace: string;
  readonly address: string;
  readonly flags: GlobalFlags;
}

/** What a hint is made of. */
export interface HintContext extends FailedCall {
  /** `tasks kill`. */
  readonly verb: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
}
