// `client.run` on every kind of daemon, with every runtime that is here.
import { join } from "node:path";
import { describe } from "vitest";
import { connect } from "../../api/client/index.js";
import type { DisposeScope } from "../../api/core/dispose.js";
import { describeRun, type RunWorld } from "../conformance/run.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";

const noContainers = requires.root() || requires.binary("containerd-shim-runc-v2");

async function containersOn(scope: DisposeScope, start: (scope: DisposeScope) => Promise<Engine>): Promise<RunWorld> {
  const namespace = freshNamespace(scope);
  const rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
  const { address } = await start(scope);
  return {
    client: scope.use(connect({ address, namespace })),
    shell: (script) => ({ rootfs, args: ["/bin/sh", "-c", script] }),
    leftovers: async () => [],
  };
}

describe.skipIf(noContainers)("containers", () => {
  describeRun({ name: "berthd", open: (scope) => containersOn(scope, startBerthd) });
});
describe.skipIf(noContainers || requires.binary("containerd"))("containers", () => {
  describeRun({ name: "containerd", open: (scope) => containersOn(scope, startContainerd) });
});
