// Which daemons run tasks for the conformance of `client.run`, and what a task is there.
import { join } from "node:path";
import { type Client, connect } from "../../api/client/index.js";
import type { DisposeScope } from "../../api/core/dispose.js";
import type { OpenSubject } from "../conformance/run/world.js";
import { startContainerd } from "./containerd.js";
import { startBerthd } from "./daemon.js";
import { startEmbedded } from "./embedded.js";
import { makeRootfs } from "./rootfs.js";
import { freshNamespace, tempDir } from "./temp.js";

type OpenClient = (scope: DisposeScope, namespace: string) => Promise<Client>;

export const embedded: OpenClient = async (scope, namespace) =>
  scope.use((await startEmbedded(scope)).client({ namespace }));
export const berthd: OpenClient = async (scope, namespace) =>
  scope.use(connect({ address: (await startBerthd(scope)).address, namespace }));
export const containerd: OpenClient = async (scope, namespace) =>
  scope.use(connect({ address: (await startContainerd(scope)).address, namespace }));

export const containers =
  (open: OpenClient): OpenSubject =>
  async (scope) => {
    const namespace = freshNamespace(scope);
    const rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
    return {
      client: await open(scope, namespace),
      shell: (script) => ({ rootfs, args: ["/bin/sh", "-c", script] }),
      isContainer: true,
    };
  };

export const hostProcesses =
  (open: OpenClient): OpenSubject =>
  async (scope) => ({
    client: await open(scope, freshNamespace(scope)),
    shell: (script) => ({ process: true, args: ["/bin/sh", "-c", script], cwd: "/" }),
    isContainer: false,
  });
