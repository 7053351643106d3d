// Followers of a transfer that do not read, or leave: the transfer ends as soon, and they hear later how it went.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { GrpcChannel } from "../../api/client/grpc-channel.js";
import { type Client, connect } from "../../api/client/index.js";
import { RemoteStream } from "../../api/client/remote-streams.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { anyOfMessage } from "../../api/core/typeurl.js";
import { TransferService } from "../../api/gen/services/transfer/v1/transfer.js";
import { ImageStore } from "../../api/gen/types/transfer/imagestore.js";
import { Progress } from "../../api/gen/types/transfer/progress.js";
import { OCIRegistry } from "../../api/gen/types/transfer/registry.js";
import { startBerthd } from "../helpers/daemon.js";
import { noiseLayer, testImage } from "../helpers/image.js";
import { seedRegistry, startRegistry, type TestRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";

const TYPES = "containerd.types.transfer.";
const LAYERS = 200;
const lacking = requires.root() || requires.binary("docker-registry");

describe.skipIf(lacking)("followers that do not read", () => {
  const scope = new DisposeScope();
  let client: Client;
  let channel: GrpcChannel;
  let registry: TestRegistry;
  let ctx: { readonly namespace: string };

  const layers = Array.from({ length: LAYERS }, (_, at) => noiseLayer(`layer-${at}`, 50));

  beforeAll(async () => {
    const daemon = await startBerthd(scope);
    client = scope.use(connect({ address: daemon.address }));
    channel = scope.use(new GrpcChannel(daemon.address, {}));
    registry = await startRegistry(scope);
    await seedRegistry(registry, "app", "1", testImage(layers));
  });
  beforeEach(() => {
    ctx = { namespace: freshNamespace(scope) };
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const pullTold = (progressStream: string) => {
    const [reference, resolver] = [`${registry.host}/app:1`, { defaultScheme: "http" }];
    const source = OCIRegistry.fromPartial({ reference, resolver });
    const destination = ImageStore.fromPartial({ name: "app" });
    return channel.unary(
      TransferService.transfer,
      {
        source: anyOfMessage(`${TYPES}OCIRegistry`, OCIRegistry, source),
        destination: anyOfMessage(`${TYPES}ImageStore`, ImageStore, destination),
        options: { progressStream },
      },
      ctx,
    );
  };

  test("the transfer ends, and what they read afterwards ends with it", async () => {
    using stream = await RemoteStream.open(channel, ctx, "progress");
    await pullTold(stream.id);
    expect(await client.images.get(ctx, "app")).toMatchObject({ name: "app" });
    const last = new Map<string, string>();
    let lastEvent = "";
    for await (const { value } of stream.incoming) {
      const { name, event } = Progress.decode(value);
      last.set(name, event);
      lastEvent = event;
    }
    for (const { digest } of layers) expect(last.get(`layer-${digest}`)).toMatch(/^(complete|already exists)$/);
    expect(lastEvent).toBe(`Completed pull from ${registry.host}/app:1`);
  });

  test("one that leaves at once is not missed", async () => {
    const stream = await RemoteStream.open(channel, ctx, "progress");
    const pulling = pullTold(stream.id);
    const incoming = stream.incoming[Symbol.asyncIterator]();
    await incoming.next();
    stream[Symbol.dispose]();
    await pulling;
    expect(await client.images.get(ctx, "app")).toMatchObject({ name: "app" });
    expect(await client.leases.list(ctx)).toEqual([]);
  });
});
