// LXD as the bridge takes it: consoles and execs of any LXD that a daemon names.
import type { OpenSource } from "../../bridge/source.js";
import { LxdServer } from "../server.js";
import { openConsoleSource } from "./console-source.js";
import { openExecSource } from "./exec-source.js";
import { parseLxdTarget } from "./target.js";

/** Connections are made at need and kept. */
export function lxdSources(): OpenSource {
  const servers = new Map<string, LxdServer>();
  const serverAt = (socketPath: string): LxdServer => {
    const known = servers.get(socketPath) ?? new LxdServer({ socketPath });
    servers.set(socketPath, known);
    return known;
  };
  return async (request, deps, signal) => {
    const target = parseLxdTarget(request.target);
    const server = serverAt(target.lxdSocket);
    return target.kind === "console"
      ? await openConsoleSource(server, target, request, deps, signal)
      : await openExecSource(server, target, request, signal);
  };
}
