// What a transfer says of its requests to a registry: over the client's stream, else in the log, and nothing that lets somebody in.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { GrpcChannel } from "../../api/client/grpc-channel.js";
import { type Client, connect } from "../../api/client/index.js";
import { RemoteStream } from "../../api/client/remote-streams.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { anyOfMessage } from "../../api/core/typeurl.js";
import { TransferService } from "../../api/gen/services/transfer/v1/transfer.js";
import { ImageStore } from "../../api/gen/types/transfer/imagestore.js";
import { HTTPDebug, OCIRegistry } from "../../api/gen/types/transfer/registry.js";
import { failure } from "../conformance/failure.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { type Front, reply, startFront } from "../helpers/front.js";
import { noiseLayer, testImage } from "../helpers/image.js";
import { REGISTRY_USER, seedRegistry, startRegistry, type TestRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";
import { requireTokens } from "../helpers/token-server.js";

const TYPES = "containerd.types.transfer.";
const lacking = requires.root() || requires.binary("docker-registry");
const { username, secret } = REGISTRY_USER;
/** Whatever must never be told. */
const SECRETS = [
  secret,
  Buffer.from(`${username}:${secret}`).toString("base64"),
  "token-1",
  "sig-1234",
  "cookie-1234",
  "key-1234",
];

describe.skipIf(lacking)("the log of a transfer's requests", () => {
  const scope = new DisposeScope();
  let daemon: Berthd;
  let client: Client;
  let channel: GrpcChannel;
  let registry: TestRegistry;
  let front: Front;
  let ctx: { readonly namespace: string };
  const image = testImage([noiseLayer("one", 3_000)]);

  beforeAll(async () => {
    daemon = await startBerthd(scope);
    client = scope.use(connect({ address: daemon.address }));
    channel = scope.use(new GrpcChannel(daemon.address, {}));
    registry = await startRegistry(scope);
    await seedRegistry(registry, "team/app", "1", image);
  });
  beforeEach(async () => {
    ctx = { namespace: freshNamespace(scope) };
    front = await startFront(scope, { target: registry.url });
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  test("heads are told, and no secret in them", async () => {
    await requireTokens(scope, front);
    const ask = front.answer;
    front.answer = (request, response, forward) => {
      response.setHeader("set-cookie", "session=cookie-1234");
      if (
        request.url?.endsWith("manifests/1") &&
        request.headers.authorization !== undefined &&
        !request.url.includes("?")
      ) {
        request.resume();
        return reply(response, 307, { location: `${front.url}${request.url}?signature=sig-1234&ns=docker.io` });
      }
      return ask(request, response, forward);
    };
    let text = "";
    await client.transfer.pull(ctx, `${front.host}/team/app:1`, {
      plainHttp: true,
      headers: { "x-own": "key-1234" },
      credentials: async () => REGISTRY_USER,
      http: { of: "heads", onText: (piece) => (text += piece) },
    });
    expect(text).toContain("HEAD /v2/team/app/manifests/1 HTTP/1.1\r\n");
    expect(text).toContain(`host: ${front.host}\r\n`);
    expect(text).toMatch(/HTTP\/1\.1 401\r\n/);
    expect(text).toContain("authorization: <hidden>\r\n");
    expect(text).toContain("x-own: <hidden>\r\n");
    expect(text).toContain("?signature=<hidden>&ns=docker.io");
    expect(text).toMatch(/POST \/token\S* HTTP\/1\.1/);
    expect(text).toContain(`docker-content-digest: ${image.target.digest}`);
    expect(text).not.toContain("Connection successful");
    for (const each of SECRETS) expect(text).not.toContain(each);
    for (const each of SECRETS) expect(daemon.log()).not.toContain(each);
    expect(front.seen.some(({ headers }) => headers["x-own"] === "key-1234")).toBe(true);
  });

  test("connections and lookups are told", async () => {
    let text = "";
    const host = front.host.replace("127.0.0.1", "localhost");
    const http = { of: "connections", onText: (piece: string) => (text += piece) } as const;
    await client.transfer.pull(ctx, `${host}/team/app:1`, { plainHttp: true, http });
    expect(text).toContain("DNS lookup host=localhost\n");
    expect(text).toMatch(/DNS lookup complete result=\S*127\.0\.0\.1/);
    expect(text).toContain(`Connection successful reused=false remote_addr=${front.host}\n`);
    expect(text).not.toContain("HTTP/1.1");
  });

  const pullTold = (httpDebug: HTTPDebug, logsStream: string) => {
    const resolver = { defaultScheme: "http", httpDebug, logsStream };
    const source = OCIRegistry.fromPartial({ reference: `${front.host}/team/app:1`, resolver });
    const destination = ImageStore.fromPartial({ name: "app" });
    const request = {
      source: anyOfMessage(`${TYPES}OCIRegistry`, OCIRegistry, source),
      destination: anyOfMessage(`${TYPES}ImageStore`, ImageStore, destination),
      options: { progressStream: "" },
    };
    return channel.unary(TransferService.transfer, request, ctx);
  };

  test("without a stream the daemon's log has it, and without the wish nobody", async () => {
    await pullTold(HTTPDebug.DISABLED, "");
    expect(daemon.log()).not.toContain(front.host);
    await pullTold(HTTPDebug.BOTH, "");
    expect(daemon.log()).toContain("told by a registry's resolver");
    expect(daemon.log()).toContain(`host: ${front.host}`);
  });

  test("a stream that nobody knows is refused; one that nobody reads, or that is misused, holds nothing up", async () => {
    expect(await failure(pullTold(HTTPDebug.DEBUG, "no-such"))).toMatch(/^not_found: /);
    using stream = await RemoteStream.open(channel, ctx, "logs");
    await pullTold(HTTPDebug.DEBUG, stream.id);
    using misused = await RemoteStream.open(channel, ctx, "logs");
    await misused.send(anyOfMessage(`${TYPES}ImageStore`, ImageStore, ImageStore.fromPartial({})));
    await pullTold(HTTPDebug.DEBUG, misused.id);
    expect(await client.images.get(ctx, "app")).toMatchObject({ name: "app" });
  });
});
