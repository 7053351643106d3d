// What to do about a failure, in one line: by its kind, by the command, and by what the daemon has. Loaded when something fails.
import { type ErrorKind, errorKind } from "../../api/core/errors.js";
import { Reported, UsageError } from "./exit-status.js";
import type { FailedCall, HintContext } from "./hint-context.js";
import { asksRegistry, hintOnDenied, hintOnUnreachable } from "./hint-socket.js";
import { hintOnMissing, stateOf, subjectOf } from "./hint-subjects.js";
import { pathOf } from "./usage-hints.js";

/** A hint that the daemon has a part in is given up after that. */
const PATIENCE_MS = 1_000;

type Hint = (context: HintContext) => string | undefined | Promise<string | undefined>;

/** One line a kind. */
const HINTS: Partial<Record<ErrorKind, Hint>> = {
  not_found: hintOnMissing,
  already_exists: hintOnExisting,
  failed_precondition: hintOnState,
  unavailable: hintOnUnreachable,
  permission_denied: (context) => hintOnDenied(context) ?? hintOnCredentials(context),
  unauthenticated: hintOnCredentials,
  not_implemented: ({ address }) => `berth -a ${address} version tells who answers there`,
  deadline_exceeded: ({ flags }) =>
    flags.timeout === undefined ? "berth doctor tells if the daemon is well" : "give it more with --timeout, or none",
  resource_exhausted: () => "berth gc run frees what nothing holds, berth images rm what an image holds",
  data_loss: () => "berth doctor tells what is damaged",
};

/** The line, without its `hint:`. Never fails: a hint that cannot be had is none. */
export async function hintFor(error: unknown, call: FailedCall): Promise<string | undefined> {
  const cause = error instanceof Reported ? error.cause : error;
  const verb = pathOf(call.commander).split(" ").slice(1).join(" ");
  if (cause instanceof UsageError) return cause.hint ?? `berth ${verb} --help shows what it takes`;
  const hint = HINTS[errorKind(cause)];
  if (hint === undefined) return undefined;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const context = { ...call, verb, args: call.commander.args, signal };
  try {
    return await hint(context);
  } catch {
    return undefined;
  }
}

function hintOnCredentials(context: HintContext): string | undefined {
  if (!asksRegistry(context)) return undefined;
  return "name a user of the registry with --user NAME, or log in with docker login";
}

async function hintOnExisting(context: HintContext): Promise<string | undefined> {
  const { verb, client, namespace, signal } = context;
  if (verb === "images tag") return "--force takes the name away from the image that has it";
  const ids = (await client.containers.list({ namespace, signal })).map(({ id }) => id);
  const id = context.args.find((arg) => ids.includes(arg));
  if (id === undefined) return undefined;
  const state = await stateOf(context, id);
  if (verb === "tasks start") {
    return state === "stopped"
      ? `berth tasks rm ${id} removes what is left of it`
      : `it is ${state}: berth attach ${id}`;
  }
  const first = state === undefined || state === "stopped" ? "" : `berth stop ${id} && `;
  return `take another name, or remove it with ${first}berth containers rm ${id}`;
}

async function hintOnState(context: HintContext): Promise<string | undefined> {
  const { verb } = context;
  const id = subjectOf(context, "container") ?? subjectOf(context, "task");
  if (verb === "tasks rm") return "--force ends it first";
  if (verb === "snapshots rm") return "berth snapshots tree shows what builds on it";
  if (verb === "namespaces rm") {
    return `it is not empty: look with berth -n ${context.args[0] ?? ""} containers ls, images ls, content ls and snapshots ls`;
  }
  // What these miss is no state that could be changed.
  if (id === undefined || verb === "diff" || verb === "commit") return undefined;
  const state = await stateOf(context, id);
  if (verb === "containers rm" && state !== undefined) return `berth stop ${id} ends it first`;
  if (state === undefined || state === "stopped") return `it does not run: berth tasks start -d ${id} starts it`;
  return state === "paused" ? `it is paused: berth tasks resume ${id}` : undefined;
}
