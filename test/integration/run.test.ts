// `client.run` on every kind of daemon, with every runtime that is here.
import { join } from "node:path";
import { type Client, connect } from "../../api/client/index.js";
import type { DisposeScope } from "../../api/core/dispose.js";
import { runConformance } from "../conformance/run/run.js";
import type { RunSubject } from "../conformance/run/world.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import { startEmbedded } from "../helpers/embedded.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";

type OpenClient = (scope: DisposeScope, namespace: string) => Promise<Client>;

const embedded: OpenClient = async (scope, namespace) => scope.use((await startEmbedded(scope)).client({ namespace }));
const berthd: OpenClient = async (scope, namespace) =>
  scope.use(connect({ address: (await startBerthd(scope)).address, namespace }));
const containerd: OpenClient = async (scope, namespace) =>
  scope.use(connect({ address: (await startContainerd(scope)).address, namespace }));

const containers =
  (open: OpenClient) =>
  async (scope: DisposeScope): Promise<RunSubject> => {
    const namespace = freshNamespace(scope);
    const rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
    return {
      client: await open(scope, namespace),
      shell: (script) => ({ rootfs, args: ["/bin/sh", "-c", script] }),
      isContainer: true,
    };
  };

const hostProcesses =
  (open: OpenClient) =>
  async (scope: DisposeScope): Promise<RunSubject> => ({
    client: await open(scope, freshNamespace(scope)),
    shell: (script) => ({ process: true, args: ["/bin/sh", "-c", script], cwd: "/" }),
    isContainer: false,
  });

runConformance("host processes, embedded", hostProcesses(embedded));
runConformance("host processes, berthd", hostProcesses(berthd));

if (!(requires.root() || requires.binary("containerd-shim-runc-v2"))) {
  runConformance("containers, embedded", containers(embedded));
  runConformance("containers, berthd", containers(berthd));
  if (!requires.binary("containerd")) runConformance("containers, containerd", containers(containerd));
}
