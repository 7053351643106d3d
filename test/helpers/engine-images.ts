// A Docker engine beside stores of ours, and what tests of the way between them do over and over: keep an image, have it brought to the
// engine, hear it speak, look what the engine has.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { importImages } from "../../api/client/distribution/archive/import.js";
import type { DisposeScope } from "../../api/core/dispose.js";
import { type Engine, openEngine } from "../../runtime/docker/engine.js";
import { ensureImage, type ImageRequest } from "../../runtime/docker/ensure-image.js";
import type { DriverImages } from "../../runtime/driver.js";
import { createDriverImages } from "../../services/driver-images.js";
import { type DockerEngine, startEngine } from "./docker-engine.js";
import { busyboxLayer, type TestImage, type TestLayer, testImage } from "./image.js";
import { ociArchive } from "./image-archive.js";
import type { RegistryOptions, TestRegistry } from "./registry.js";
import { type LocalStores, localStores } from "./stores.js";

/** Docker's, or another one that understands its client. */
export type TestEngine = Pick<DockerEngine, "host" | "dir" | "must"> & {
  startRegistry(options?: Pick<RegistryOptions, "needsPassword">): Promise<TestRegistry>;
};

interface Parts {
  readonly docker: TestEngine;
  readonly engine: Engine;
  readonly stores: LocalStores;
  readonly busybox: TestLayer;
}

const startEmptyEngine = (scope: DisposeScope): Promise<TestEngine> => startEngine(scope, { busybox: false });

export class EngineImages {
  readonly docker: TestEngine;
  readonly engine: Engine;
  readonly stores: LocalStores;
  /** Runs, and has `sh` and `echo`. */
  readonly busybox: TestLayer;
  /** As the daemon hands them to drivers. */
  readonly images: DriverImages;
  readonly namespace = "bt";
  /** How often an archive was asked for and was there. */
  exports = 0;

  constructor({ docker, engine, stores, busybox }: Parts) {
    this.docker = docker;
    this.engine = engine;
    this.stores = stores;
    this.busybox = busybox;
    const own = createDriverImages(stores);
    this.images = {
      ...own,
      exportArchive: async (...args) => {
        const archive = await own.exportArchive(...args);
        if (archive !== undefined) this.exports += 1;
        return archive;
      },
    };
  }

  /** Starts an engine, Docker's without images unless told otherwise, and opens empty stores; both end with the scope. */
  static async open(scope: DisposeScope, start = startEmptyEngine): Promise<EngineImages> {
    const docker = await start(scope);
    const engine = scope.use(openEngine({ host: docker.host }));
    return new EngineImages({ docker, engine, stores: await localStores(scope), busybox: await busyboxLayer() });
  }

  /** Pulls nothing unless it is told to. */
  ensure(ref: string, more: Partial<ImageRequest> = {}): Promise<{ readonly reference: string }> {
    const { namespace, images } = this;
    return ensureImage(this.engine, { ref, namespace, images, pull: "never", ...more });
  }

  /** Puts an image into our store. */
  async keep(name: string, image: TestImage): Promise<void> {
    const archive = Readable.from([ociArchive(image, name)]);
    await importImages(this.stores, { namespace: this.namespace }, archive, {});
  }

  /** An image that says something when it runs, so that it is known to be the one. */
  saying(text: string, layers: readonly TestLayer[] = [this.busybox]): TestImage {
    return testImage(layers, { config: { Cmd: ["/bin/echo", text] } });
  }

  /** Runs an image of the engine's. */
  said(reference: string): Promise<string> {
    return this.docker.must(["run", "--rm", "--network", "none", reference]);
  }

  /** Ids of all images that the engine has, those without a name among them. */
  async inEngine(): Promise<string[]> {
    const ids = await this.docker.must(["images", "-aq", "--no-trunc"]);
    return ids
      .split("\n")
      .filter((id) => id !== "")
      .sort();
  }

  /** What the engine has unpacked or received so far of images that are on their way. */
  async parts(): Promise<string[]> {
    return await readdir(join(this.docker.dir, "data", "tmp"));
  }
}
