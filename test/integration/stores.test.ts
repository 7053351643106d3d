// The suites of the stores over a socket: our client on our daemon and on the real containerd. Both answer as one.
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
import type { Engine } from "../helpers/engine.js";
import { requires } from "../helpers/requires.js";

const ENGINES: readonly { name: string; dialect: Dialect; start: (scope: DisposeScope) => Promise<Engine> }[] = [
  { name: "berthd", dialect: "2.x", start: (scope) => startBerthd(scope) },
  { name: "containerd", dialect: "1.6", start: startContainerd },
];

describe.each(ENGINES)("$name", ({ name, dialect, start }) => {
  const skip = name === "containerd" && (requires.root() || requires.binary("containerd"));

  describe.skipIf(skip)("through the client", () => {
    const scope = new DisposeScope();
    let client: Client;

    beforeAll(async () => {
      const { address } = await start(scope);
      client = scope.use(connect({ address }));
    });

    afterAll(() => scope[Symbol.asyncDispose]());

    containerStoreConformance(name, async () => client.containers, dialect);
    contentStoreConformance(name, async () => client, dialect);
    leaseStoreConformance(name, async () => client.leases);
    namespaceStoreConformance(name, async () => client, dialect);
  });
});
