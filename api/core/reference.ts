// References to images: `host[:port]/path[:tag][@digest]`. Nothing is guessed: no default host, no default tag.
// @source containerd reference/reference.go
import { digestProblem } from "./digest.js";
import { invalidArgument } from "./errors.js";
import { quote } from "./quote.js";

/** An image's reference in its parts. `parseReference` gives one, with a tag, a digest or both. */
export interface Reference {
  /** As it was written. */
  readonly text: string;
  /** With the port, if there is one. */
  readonly host: string;
  /** Without the host. */
  readonly repository: string;
  /** undefined: the digest alone says what is meant. */
  readonly tag: string | undefined;
  /** With its algorithm: `sha256:…`. Beside a tag it is what counts in a pull. undefined: whatever the tag stands for. */
  readonly digest: string | undefined;
}

const REPOSITORY = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const HOST = /^(?:\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?)(?::\d{1,5})?$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/**
 * The parts of a full reference. Nothing is filled in: for `busybox` and the like there is {@link normalizeReference}.
 * @throws invalid_argument, saying what is missing or wrong.
 */
export function parseReference(text: string): Reference {
  const wrong = (why: string) => invalidArgument(`reference ${quote(text)}: ${why}`);
  if (text.includes("://")) throw wrong("must not have a scheme");
  const slash = text.indexOf("/");
  if (slash <= 0) throw wrong("a host is required, for example docker.io/library/busybox:latest");
  const host = text.slice(0, slash);
  if (!HOST.test(host)) throw wrong("the host is malformed");
  const [locator = "", digest, ...more] = text.slice(slash + 1).split("@");
  if (more.length > 0) throw wrong("more than one digest");
  if (digest !== undefined && digestProblem(digest) !== undefined) throw wrong(digestProblem(digest) ?? "");
  const colon = locator.indexOf(":");
  const repository = colon < 0 ? locator : locator.slice(0, colon);
  const tag = colon < 0 ? undefined : locator.slice(colon + 1);
  if (!REPOSITORY.test(repository)) throw wrong("the repository is malformed");
  if (tag !== undefined && !TAG.test(tag)) throw wrong("the tag is malformed");
  if (tag === undefined && digest === undefined) throw wrong("object required: a tag or a digest");
  return { text, host, repository, tag, digest };
}

const DOCKER_HOSTS = new Set(["docker.io", "index.docker.io"]);

/** The full form of a name as Docker users write it: `busybox` is `docker.io/library/busybox:latest`. @throws invalid_argument. */
export function normalizeReference(text: string): Reference {
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  const hasHost = first === "localhost" || /[.:[]/.test(first) || first !== first.toLowerCase();
  const host = hasHost ? (DOCKER_HOSTS.has(first) ? "docker.io" : first) : "docker.io";
  let path = hasHost ? text.slice(slash + 1) : text;
  if (host === "docker.io" && !(path.split("@")[0] ?? "").includes("/")) path = `library/${path}`;
  const named = path.includes("@") || path.includes(":") ? path : `${path}:latest`;
  return parseReference(`${host}/${named}`);
}

/** The short form that Docker's users know: `docker.io/library/busybox:1` is `busybox:1`. */
export function familiarName(text: string): string {
  for (const prefix of ["docker.io/library/", "docker.io/"]) {
    if (text.startsWith(prefix)) return text.slice(prefix.length);
  }
  return text;
}
