// The suites of snapshots: over the store in this process with real mounts, and through our client on our daemon and on the
// real containerd. All answer as one.
import { afterAll, beforeAll, describe } from "vitest";
import { type Client, connect } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { snapshotBackends } from "../../runtime/snapshotters/index.js";
import type { Dialect } from "../conformance/dialect.js";
import { snapshotFilesConformance } from "../conformance/snapshot-files.js";
import { SNAPSHOTTERS, snapshotStoreConformance } from "../conformance/snapshot-store.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { temporaryMetadata } from "../helpers/metadata.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";

const ENGINES: readonly { name: string; dialect: Dialect; start: (scope: DisposeScope) => Promise<Engine> }[] = [
  { name: "berthd", dialect: "2.x", start: (scope) => startBerthd(scope) },
  { name: "containerd", dialect: "1.6", start: startContainerd },
];

describe.skipIf(requires.root())("in this process", () => {
  for (const snapshotter of SNAPSHOTTERS) {
    snapshotFilesConformance("local", snapshotter, async (scope) =>
      temporaryMetadata(scope, { snapshotBackends: snapshotBackends(await tempDir(scope)) }),
    );
  }
});

describe.each(ENGINES)("$name", ({ name, dialect, start }) => {
  const skip = requires.root() || (name === "containerd" && requires.binary("containerd"));

  describe.skipIf(skip)("through the client", () => {
    const scope = new DisposeScope();
    let client: Client;

    beforeAll(async () => {
      const { address } = await start(scope);
      client = scope.use(connect({ address }));
    });

    afterAll(() => scope[Symbol.asyncDispose]());

    for (const snapshotter of SNAPSHOTTERS) {
      snapshotStoreConformance(name, snapshotter, async () => client, dialect);
      snapshotFilesConformance(name, snapshotter, async () => client);
    }
  });
});
