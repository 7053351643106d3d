// The command line that containerd and berthd start shims with: Go's flags, and an action behind them.
// @source containerd runtime/v2/shim/shim.go (parseFlags)
import { invalidArgument } from "../../api/core/errors.js";
import { validateIdentifier } from "../../api/core/identifiers.js";

export interface ShimFlags {
  readonly namespace: string;
  /** The name that it is started under; of a task, as a rule. */
  readonly id: string;
  /** The daemon's socket. */
  readonly address: string;
  readonly bundle: string;
  readonly debug: boolean;
  readonly version: boolean;
  readonly info: boolean;
  /** `start` or `delete`; `serve` for what `start` brings up; "" for none. */
  readonly action: string;
}

const VALUES = ["namespace", "id", "address", "bundle", "publish-binary", "socket"] as const;
const SWITCHES = ["debug", "v", "version", "info"] as const;

const isOneOf = <T extends string>(names: readonly T[], name: string): name is T =>
  (names as readonly string[]).includes(name);

/** @throws invalid_argument for a flag that no shim has, one without its value, and a namespace or an id that is none. */
export function parseFlags(argv: readonly string[]): ShimFlags {
  const values = new Map<string, string>();
  const switches = new Set<string>();
  const words = [...argv];
  while (words[0]?.startsWith("-") === true) {
    const [name = "", ...rest] = (words.shift() ?? "").replace(/^--?/, "").split("=");
    if (isOneOf(SWITCHES, name)) {
      if (rest.join("=") !== "false") switches.add(name);
    } else if (isOneOf(VALUES, name)) {
      const value = rest.length > 0 ? rest.join("=") : words.shift();
      if (value === undefined) throw invalidArgument(`flag needs an argument: -${name}`);
      values.set(name, value);
    } else {
      throw invalidArgument(`flag provided but not defined: -${name}`);
    }
  }
  const flags: ShimFlags = {
    namespace: values.get("namespace") ?? "",
    id: values.get("id") ?? "",
    address: values.get("address") ?? "",
    bundle: values.get("bundle") ?? "",
    debug: switches.has("debug"),
    version: switches.has("v") || switches.has("version"),
    info: switches.has("info"),
    action: words[0] ?? "",
  };
  if (!flags.version && !flags.info) validate(flags);
  return flags;
}

function validate({ namespace, id, action }: ShimFlags): void {
  if (namespace === "") throw invalidArgument("shim namespace cannot be empty");
  validateIdentifier(namespace);
  // Only `delete` makes a path of it.
  if (id !== "" || action === "delete") validateIdentifier(id);
}
