// The files of containers, loaded when first asked for: many clients never are.
import type { ContainerFiles } from "./files.js";
import type { FilesClient } from "./files-client.js";

export function lazyContainerFiles(client: () => FilesClient): ContainerFiles {
  const load = async (): Promise<ContainerFiles> => (await import("./files.js")).createContainerFiles(client());
  return {
    copyOut: async (...args) => (await load()).copyOut(...args),
    copyIn: async (...args) => (await load()).copyIn(...args),
    archive: async function* (...args) {
      yield* (await load()).archive(...args);
    },
    changes: async function* (...args) {
      yield* (await load()).changes(...args);
    },
    commit: async (...args) => (await load()).commit(...args),
    unpack: async (...args) => (await load()).unpack(...args),
  };
}
