// The daemon's images for drivers whose engine keeps images of its own: one as an archive, and who the daemon is at a registry.
import type { ImageStores } from "../api/client/distribution/stores.js";
import type { RequestContext } from "../api/core/context.js";
import type { Descriptor } from "../api/core/descriptor.js";
import { errorOf, failedPrecondition, isNotFound } from "../api/core/errors.js";
import type { Image } from "../api/core/image.js";
import { quote } from "../api/core/quote.js";
import { normalizeReference } from "../api/core/reference.js";
import type { DriverImages, RegistryLogin } from "../runtime/driver.js";

type Stores = Pick<ImageStores, "content" | "images">;

/** Of these stores; who to be at a registry stands in Docker's configuration of the daemon's user. */
export function createDriverImages(stores: Stores): DriverImages {
  return {
    exportArchive: async (namespace, name, signal) => {
      const ctx: RequestContext = { namespace, signal };
      const image = await imageOf(stores, ctx, name);
      if (image === undefined) return undefined;
      // Much code that most daemons never need.
      const { imageArchive } = await import("../api/client/distribution/archive/export.js");
      const target = await wholeManifest(stores, ctx, image);
      // Without a name: whoever loads it knows which one it is to have, and gives it to what is complete.
      return imageArchive(stores, ctx, [{ name: "", target }]);
    },
    registryAuth: async (ref): Promise<RegistryLogin | undefined> => {
      const { dockerCredentials } = await import("../api/client/distribution/registry/credentials.js");
      const credentials = await dockerCredentials()(normalizeReference(ref).host);
      // Docker's configuration knows no other form.
      if (credentials === undefined || "header" in credentials) return undefined;
      return { username: credentials.username, password: credentials.secret };
    },
  };
}

/** By the name as it stands, else by the full one that it is short for. */
async function imageOf({ images }: Stores, ctx: RequestContext, name: string): Promise<Image | undefined> {
  for (const candidate of new Set([name, ...fullName(name)])) {
    try {
      return await images.get(ctx, candidate);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return undefined;
}

function fullName(name: string): string[] {
  try {
    return [normalizeReference(name).text];
  } catch {
    return [];
  }
}

/**
 * The manifest for this machine, when all that it refers to is here: an archive that breaks off in the middle would tell less.
 * @throws failed_precondition that names what is missing.
 */
async function wholeManifest(stores: Stores, ctx: RequestContext, { name, target }: Image): Promise<Descriptor> {
  const [{ resolveManifest }, { hostPlatform, onlyPlatforms }] = await Promise.all([
    import("../api/client/distribution/manifest.js"),
    import("../api/client/distribution/platform.js"),
  ]);
  const subject = `image ${quote(name)} in namespace ${quote(ctx.namespace ?? "")}`;
  const platform = onlyPlatforms([hostPlatform()]);
  const { descriptor, manifest } = await resolveManifest(stores.content, ctx, target, platform).catch((error) => {
    throw isNotFound(error)
      ? errorOf("failed_precondition", `${subject} is not whole: ${error.message}`, error)
      : error;
  });
  for (const { digest } of manifest.layers) {
    await stores.content.info(ctx, digest).catch((error: unknown) => {
      throw isNotFound(error)
        ? failedPrecondition(`${subject} is not whole: layer ${digest} is missing`, error)
        : error;
    });
  }
  return descriptor;
}
