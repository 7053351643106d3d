// The suites of the stores through our client: on a daemon in this process, on berthd and on the real containerd over their sockets.
// All answer as one.
import { afterAll, beforeAll, describe } from "vitest";
import { type Client, connect } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { containerStoreConformance } from "../conformance/container-store.js";
import { contentStoreConformance } from "../conformance/content-store.js";
import type { Dialect } from "../conformance/dialect.js";
import { leaseStoreConformance } from "../conformance/lease-store.js";
import { namespaceStoreConformance } from "../conformance/namespace-store.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import { startEmbedded } from "../helpers/embedded.js";
import type { Engine } from "../helpers/engine.js";
import { requires } from "../helpers/requires.js";

const overSocket =
  (start: (scope: DisposeScope) => Promise<Engine>) =>
  async (scope: DisposeScope): Promise<Client> =>
    connect({ address: (await start(scope)).address });

const SUBJECTS: readonly { name: string; dialect: Dialect; open: (scope: DisposeScope) => Promise<Client> }[] = [
  { name: "embedded", dialect: "2.x", open: async (scope) => (await startEmbedded(scope)).client() },
  { name: "berthd", dialect: "2.x", open: overSocket((scope) => startBerthd(scope)) },
  { name: "containerd", dialect: "1.6", open: overSocket(startContainerd) },
];

describe.each(SUBJECTS)("$name", ({ name, dialect, open }) => {
  const skip = name === "containerd" && (requires.root() || requires.binary("containerd"));

  describe.skipIf(skip)("through the client", () => {
    const scope = new DisposeScope();
    let client: Client;

    beforeAll(async () => {
      client = scope.use(await open(scope));
    });

    afterAll(() => scope[Symbol.asyncDispose]());

    containerStoreConformance(name, async () => client.containers, dialect);
    contentStoreConformance(name, async () => client, dialect);
    leaseStoreConformance(name, async () => client.leases);
    namespaceStoreConformance(name, async () => client, dialect);
  });
});
