// Hints about things that are not there: another namespace that has them, a name that is nearly the same, the list to look at.
import { isNotFound } from "../../api/core/errors.js";
import type { Completion } from "./command.js";
import { closest } from "./did-you-mean.js";
import type { HintContext } from "./hint-context.js";

/** How a kind of thing is listed. */
interface Subject {
  /** Names of those in a namespace. */
  names(context: HintContext, namespace: string): Promise<readonly string[]>;
  /** The command that shows them. */
  readonly look: string;
  /** It lies in a namespace, so it may lie in another one. */
  readonly isNamespaced: boolean;
}

const CONTAINERS: Subject = {
  names: async ({ client, signal }, namespace) =>
    (await client.containers.list({ namespace, signal })).map(({ id }) => id),
  look: "berth ps -a",
  isNamespaced: true,
};

const SUBJECTS: Partial<Record<Completion, Subject>> = {
  container: CONTAINERS,
  task: CONTAINERS,
  image: {
    names: async ({ client, signal }, namespace) =>
      (await client.images.list({ namespace, signal })).map(({ name }) => name),
    look: "berth images ls",
    isNamespaced: true,
  },
  lease: {
    names: async ({ client, signal }, namespace) =>
      (await client.leases.list({ namespace, signal })).map(({ id }) => id),
    look: "berth leases ls",
    isNamespaced: true,
  },
  namespace: {
    names: async ({ client, signal }, namespace) =>
      (await client.namespaces.list({ namespace, signal })).map(({ name }) => name),
    look: "berth namespaces ls",
    isNamespaced: false,
  },
};

/** The first argument that names a thing of that kind. */
export function subjectOf({ command, args }: HintContext, kind: Completion): string | undefined {
  return args.find((_, at) => command.completes(at) === kind);
}

/** The state of a container's task, if it has one. */
export async function stateOf({ client, namespace, signal }: HintContext, id: string): Promise<string | undefined> {
  try {
    return (await client.tasks.get({ namespace, signal }, id, "")).status;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** About the first argument that names what is not there. */
export async function hintOnMissing(context: HintContext): Promise<string | undefined> {
  const { command, args, namespace, verb } = context;
  for (const [at, name] of args.entries()) {
    const kind = command.completes(at);
    const subject = SUBJECTS[kind];
    if (subject === undefined || name === "") continue;
    const names = await subject.names(context, namespace);
    if (!names.includes(name)) return await hintOnName(context, subject, kind, name, names);
    const needsTask = kind === "task" || verb.startsWith("tasks ");
    if (needsTask && (await stateOf(context, name)) === undefined) {
      return `it has no task: berth tasks start -d ${name} starts one`;
    }
  }
  return undefined;
}

async function hintOnName(
  context: HintContext,
  { names: list, look, isNamespaced }: Subject,
  kind: Completion,
  name: string,
  names: readonly string[],
): Promise<string> {
  const short = kind === "image" ? names.find((one) => isShortOf(name, one)) : undefined;
  const guess = short ?? closest(name, names);
  if (short !== undefined) return `did you mean ${short}?`;
  if (isNamespaced) {
    for (const other of await context.client.namespaces.list({
      namespace: context.namespace,
      signal: context.signal,
    })) {
      if (other.name === context.namespace) continue;
      if ((await list(context, other.name)).includes(name))
        return `namespace ${other.name} has it: berth -n ${other.name} …`;
    }
  }
  if (guess !== undefined) return `did you mean ${guess}?`;
  if (kind !== "image") return `${look} shows what is there`;
  return context.verb === "run"
    ? `--pull missing pulls it${isFull(name) ? "" : ` under its full name, ${fullName(name)}`}`
    : `berth images pull ${fullName(name)} pulls it, ${look} shows what is there`;
}

/** `busybox` is short of `docker.io/library/busybox:latest`. */
function isShortOf(name: string, full: string): boolean {
  return full === fullName(name) || full.endsWith(`/${name}`) || full.endsWith(`/${name}:latest`);
}

const isFull = (name: string): boolean => fullName(name) === name;

/** A reference as registries know it. */
function fullName(name: string): string {
  const [first = ""] = name.split("/");
  const isHost = name.includes("/") && /[.:]|^localhost$/.test(first);
  const repository = isHost ? name : `docker.io/${name.includes("/") ? "" : "library/"}${name}`;
  const last = repository.slice(repository.lastIndexOf("/"));
  return /[:@]/.test(last) ? repository : `${repository}:latest`;
}
