// Who this server is at which registry, in memory only. Tokens live for an hour, so a login is repeated when it has become old.
import { readFile } from "node:fs/promises";
import { errorKind, isInvalidArgument } from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";
import { normalizeReference } from "../../api/core/reference.js";
import type { Clock } from "../../api/core/time.js";
import {
  type LoginRegistryRequest,
  LoginRegistryResponse,
} from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import type { Engine } from "../../runtime/docker/engine.js";
import type { RegistryAuth } from "../../runtime/docker/images.js";
import { checkLogin, type LoginAnswer } from "../../runtime/docker/login.js";
import { commandMessage, serviceError } from "./errors.js";
import { type GcloudOptions, runGcloud } from "./gcloud.js";

export interface LoginsDeps {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  readonly gcloud?: GcloudOptions;
}

interface Login {
  readonly request: LoginRegistryRequest;
  readonly auth: RegistryAuth;
  readonly atNs: bigint;
}

/** When a login is repeated before the next pull. */
const RENEW_AFTER_NS = 50n * 60n * 1_000_000_000n;
/** Exactly this text, as scripts have it that a shell never sees. */
const ACCESS_TOKEN = "$(gcloud auth print-access-token)";
/** The password is the path of a key file. */
const KEY_FILE_USER = "_json_key";
const HUB = "docker.io";
/** The engine asks there for what is called docker.io. */
const HUB_ADDRESS = "https://index.docker.io/v1/";
/** Podman's and the clouds' words where an engine does not answer with a status of its own. */
const REFUSED = /unauthorized|invalid username\/password|failed with status: 40[13]\b/;

export class Logins {
  readonly #deps: LoginsDeps;
  /** By registry. */
  readonly #logins = new Map<string, Login>();
  #renewing: Promise<void> | undefined;

  constructor(deps: LoginsDeps) {
    this.#deps = deps;
  }

  /** Has the registry try the credentials and keeps them. @throws permission_denied where it refuses, unknown for the rest. */
  async login(request: LoginRegistryRequest, signal?: AbortSignal): Promise<LoginRegistryResponse> {
    const extensionsOutput = await this.#activateAccount(request, signal);
    const password = await this.#passwordOf(request, signal);
    const { username } = request;
    const host = registryHost(request.registry);
    const registry = host === HUB ? HUB_ADDRESS : request.registry;
    let answer: LoginAnswer;
    try {
      answer = await checkLogin(this.#deps.engine, { username, password, registry }, signal);
    } catch (error) {
      throw loginError(error);
    }
    const { message, identityToken } = answer;
    const auth = identityToken === undefined ? { username, password } : { username: "", password: identityToken };
    this.#logins.set(host, { request, auth, atNs: this.#deps.clock() });
    return LoginRegistryResponse.fromPartial({ message, extensionsOutput });
  }

  /** Repeats the logins that are 50 minutes old, at their registries. A failure is only logged: what was there still counts. */
  async renew(): Promise<void> {
    // Who comes meanwhile waits for the same, so it is not for one caller to end it.
    this.#renewing ??= this.#renewAll().finally(() => {
      this.#renewing = undefined;
    });
    await this.#renewing;
  }

  /** Who to be in a pull of this image; undefined for nobody in particular. */
  authFor(image: string): RegistryAuth | undefined {
    try {
      return this.#logins.get(normalizeReference(image).host)?.auth;
    } catch (error) {
      if (!isInvalidArgument(error)) throw error;
      return undefined;
    }
  }

  async #renewAll(): Promise<void> {
    for (const [registry, { request, atNs }] of this.#logins) {
      if (this.#deps.clock() - atNs < RENEW_AFTER_NS) continue;
      try {
        await this.login(request);
      } catch (error) {
        this.#deps.log.warn({ registry, err: error }, "cannot log in again");
      }
    }
  }

  /** What gcloud printed; a failure is no more than what it says. */
  async #activateAccount({ extensions }: LoginRegistryRequest, signal: AbortSignal | undefined): Promise<string[]> {
    const args = extensions?.gcloudAuthServiceAccountArgs ?? [];
    if (args.length === 0) return [];
    const command = ["auth", "activate-service-account", ...args];
    const { stdout, stderr } = await runGcloud(command, this.#deps.gcloud, signal);
    const hasMore = stderr.trim() !== "";
    return hasMore ? [trimNewlines(stdout), trimNewlines(stderr)] : [trimNewlines(stdout)];
  }

  async #passwordOf({ username, password }: LoginRegistryRequest, signal: AbortSignal | undefined): Promise<string> {
    const token = password === ACCESS_TOKEN ? await this.#accessToken(signal) : password;
    if (username !== KEY_FILE_USER) return token;
    try {
      return await readFile(token, "utf8");
    } catch (error) {
      // Somebody who gives the key itself must not read it in a log: the path is left out.
      const code = error instanceof Error && "code" in error ? String(error.code) : "not a path";
      throw serviceError("unknown", `Cannot read the key file that the password names: ${code}`);
    }
  }

  async #accessToken(signal: AbortSignal | undefined): Promise<string> {
    const { isDone, stdout, stderr } = await runGcloud(["auth", "print-access-token"], this.#deps.gcloud, signal);
    if (!isDone) throw serviceError("unknown", stderr.trim());
    return trimNewlines(stdout);
  }
}

/** The host of a registry that may be written as an address; what is called docker.io has several names. */
export function registryHost(registry: string): string {
  const host = registry.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  return ["index.docker.io", "registry-1.docker.io"].includes(host) ? HUB : host;
}

function loginError(error: unknown): Error {
  const message = commandMessage(error);
  const kind = errorKind(error);
  if (kind === "cancelled" || kind === "deadline_exceeded") return serviceError(kind, message, error);
  const isRefused = kind === "permission_denied" || REFUSED.test(message);
  return serviceError(isRefused ? "permission_denied" : "unknown", message, error);
}

const trimNewlines = (text: string): string => text.replace(/^\n+|\n+$/g, "");
