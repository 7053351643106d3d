// The pull before a start: `docker pull`, as whoever this server has logged in as.
import { errorKind } from "../../api/core/errors.js";
import { hasImage, pullImage } from "../../runtime/docker/images.js";
import { commandMessage, serviceError } from "./errors.js";
import type { Runner } from "./runner.js";

/** What Google's registry says to whoever may not read. */
const DENIED = 'artifactregistry.repositories.downloadArtifacts" denied on resource';
const NO_MANIFEST = /manifest.*(not found|unknown)/s;

/**
 * Fetches the image, also when there is one of its name. A failure is only logged when there is.
 * @throws permission_denied, not_found, unknown.
 */
export async function fetchImage(
  { engine, logins, log }: Pick<Runner, "engine" | "logins" | "log">,
  image: string,
  signal?: AbortSignal,
): Promise<void> {
  await logins.renew();
  try {
    await pullImage(engine, image, { auth: logins.authFor(image), signal });
  } catch (error) {
    const kind = errorKind(error);
    if (kind === "cancelled" || kind === "deadline_exceeded") throw error;
    if (await hasImage(engine, image, signal)) {
      log.warn({ image, err: error }, "cannot pull the image; the one that is here is taken");
      return;
    }
    throw pullError(error);
  }
}

function pullError(error: unknown): Error {
  const message = commandMessage(error);
  if (message.includes(DENIED)) return serviceError("permission_denied", message, error);
  return serviceError(NO_MANIFEST.test(message) ? "not_found" : "unknown", message, error);
}
