// Logging in at a registry: the engine tries the credentials there and keeps nothing.
import { z } from "zod";
import type { Engine } from "./engine.js";

/** Who to be at a registry. Never logged. */
export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
  /** Host, with a port if need be. */
  readonly registry: string;
}

export interface LoginAnswer {
  /** The engine's words: "Login Succeeded". */
  readonly message: string;
  /** Takes the place of the password where the registry gave one. */
  readonly identityToken: string | undefined;
}

const answerSchema = z.object({ Status: z.string().optional(), IdentityToken: z.string().optional() });

/** Resolves when the registry took them. @throws permission_denied when it did not; unknown when it could not be asked. */
export async function checkLogin(
  engine: Engine,
  { username, password, registry }: RegistryCredentials,
  signal?: AbortSignal,
): Promise<LoginAnswer> {
  const answer = await engine.call(
    `log in at ${registry}`,
    (docker, abortSignal) => docker.checkAuth({ username, password, serveraddress: registry, abortSignal }),
    { signal },
  );
  const { Status = "Login Succeeded", IdentityToken = "" } = answerSchema.parse(answer ?? {});
  return { message: Status, identityToken: IdentityToken === "" ? undefined : IdentityToken };
}
