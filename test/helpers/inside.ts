// Commands in a container, for what they print: LXD's own client has been seen to lose the output of short ones on a busy machine.
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { LxdServer } from "../../runtime/lxd/server.js";
import { runInside } from "../../services/tremplin/run-inside.js";

/** A command in a container. @returns what it prints, stderr too, trimmed. @throws unless it ends with 0. */
export type Inside = (name: string, command: readonly [string, ...string[]]) => Promise<string>;

/** For containers of the LXD in this folder. */
export function insideOf(scope: DisposeScope, lxdDir: string): Inside {
  const server = scope.use(new LxdServer({ socketPath: join(lxdDir, "unix.socket") }));
  return async (name, command) => {
    const { code, lines } = await runInside(server, name, command);
    const text = lines.join("\n").trim();
    if (code !== 0) throw new Error(`${command.join(" ")} in ${name} ended with ${code}: ${text}`);
    return text;
  };
}
