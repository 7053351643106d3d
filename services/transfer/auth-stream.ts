// Credentials that the client of a transfer is asked for over a stream of its own. Kept for the transfer, never logged.
// @source containerd core/transfer/registry/registry.go (credCallback)
import type { CredentialSource, Credentials } from "../../api/client/distribution/registry/authorizer.js";
import { invalidArgument, notImplemented } from "../../api/core/errors.js";
import { anyOfMessage, isTypeOf } from "../../api/core/typeurl.js";
import { AuthRequest, AuthResponse, AuthType } from "../../api/gen/types/transfer/registry.js";
import type { ServerStream } from "../streams.js";

const REQUEST_TYPE = "containerd.types.transfer.AuthRequest";
const RESPONSE_TYPE = "containerd.types.transfer.AuthResponse";

function fromResponse({ authType, username, secret }: AuthResponse): Credentials | undefined {
  switch (authType) {
    case AuthType.CREDENTIALS:
      return { username, secret };
    case AuthType.REFRESH:
      return { username: "", secret };
    case AuthType.NONE:
      return undefined;
    case AuthType.HEADER:
      return { header: secret };
    case AuthType.UNRECOGNIZED:
      throw notImplemented("credentials of a kind that is unknown here");
  }
}

/** Asks the client once for each host, one question at a time: answers carry no name of what they answer. */
export function askedCredentials(stream: ServerStream, reference: string): CredentialSource {
  const answers = stream.incoming[Symbol.asyncIterator]();
  const known = new Map<string, Promise<Credentials | undefined>>();
  let last: Promise<unknown> = Promise.resolve();
  const ask = async (host: string): Promise<Credentials | undefined> => {
    await stream.send(anyOfMessage(REQUEST_TYPE, AuthRequest, { host, reference, wwwauthenticate: [] }));
    const answer = await answers.next();
    if (answer.done === true) return undefined;
    if (!isTypeOf(answer.value, RESPONSE_TYPE))
      throw invalidArgument("an auth stream holds something else than an answer");
    return fromResponse(AuthResponse.decode(answer.value.value));
  };
  return (host) => {
    const asked = known.get(host);
    if (asked !== undefined) return asked;
    const asking = last.then(() => ask(host));
    last = asking.catch(() => {});
    known.set(host, asking);
    return asking;
  };
}
