// Transfers by the daemon itself, over its streams: every kind of them against a real registry, and what becomes of streams that are
// misused, read slowly, or cut off.
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { GrpcChannel } from "../../api/client/grpc-channel.js";
import { type Client, connect } from "../../api/client/index.js";
import { RemoteStream } from "../../api/client/remote-streams.js";
import type { TransferNews } from "../../api/client/transfer-options.js";
import { writeBytes } from "../../api/core/byte-stream.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Any, anyOfMessage } from "../../api/core/typeurl.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import { StreamInit, StreamingService } from "../../api/gen/services/streaming/v1/streaming.js";
import { TransferService } from "../../api/gen/services/transfer/v1/transfer.js";
import { ImageStore } from "../../api/gen/types/transfer/imagestore.js";
import { ImageExportStream, ImageImportStream } from "../../api/gen/types/transfer/importexport.js";
import { Data, WindowUpdate } from "../../api/gen/types/transfer/streaming.js";
import { failure } from "../conformance/failure.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { noiseLayer, testImage } from "../helpers/image.js";
import { REGISTRY_USER, seedRegistry, startRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const TYPES = "containerd.types.transfer.";
const KIB = 1024;
const lacking = requires.root() || requires.binary("docker-registry");

describe.skipIf(lacking)("transfers", () => {
  let scope: DisposeScope;
  let daemon: Berthd;
  let client: Client;
  let channel: GrpcChannel;
  let ctx: { readonly namespace: string };

  beforeEach(async () => {
    scope = new DisposeScope();
    ctx = { namespace: freshNamespace(scope) };
    daemon = await startBerthd(scope);
    client = scope.use(connect({ address: daemon.address }));
    channel = scope.use(new GrpcChannel(daemon.address, {}));
  });
  afterEach(() => scope[Symbol.asyncDispose]());

  const image = testImage([noiseLayer("one", 300 * KIB), noiseLayer("two", 20 * KIB)]);

  async function chunksOf(archive: AsyncIterable<Uint8Array>): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of archive) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async function* inPieces(bytes: Buffer, sizeBytes = 10_000): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes);
  }

  const namesOfImages = async () => (await client.images.list(ctx)).map(({ name }) => name).sort();

  test("pull, tag, push, export and import, each with its news", async () => {
    const registry = await startRegistry(scope);
    await seedRegistry(registry, "app", "1", image);
    const pulled: TransferNews[] = [];
    await client.transfer.pull(ctx, `${registry.host}/app:1`, {
      plainHttp: true,
      labels: { k: "v" },
      unpack: [{ snapshotter: "no-such" }, { snapshotter: "native" }],
      onProgress: (news) => pulled.push(news),
    });
    expect(await client.images.get(ctx, `${registry.host}/app:1`)).toMatchObject({
      target: { digest: image.target.digest },
      labels: { k: "v" },
    });
    expect(daemon.log()).toContain("cannot unpack for what a transfer names");
    const lines = pulled.filter(({ name }) => name === "").map(({ event }) => event);
    const from = `from ${registry.host}/app:1`;
    expect(lines).toEqual([`Resolving ${from}`, `Pulling ${from}`, `Completed pull ${from}`]);
    const layer = pulled.filter(({ name }) => name === `layer-${image.blobs[0]?.digest}`).map(({ event }) => event);
    expect(layer[0]).toBe("waiting");
    expect(layer.slice(-3)).toEqual(["complete", "extracting", "extracted"]);
    expect(pulled.at(-1)?.event).toBe(`Completed pull ${from}`);
    const snapshots: string[] = [];
    for await (const page of client.snapshots.get("native").list(ctx)) snapshots.push(...page.map(({ kind }) => kind));
    expect(snapshots).toEqual(["committed", "committed"]);

    await client.transfer.tag(ctx, `${registry.host}/app:1`, "other");
    expect(await namesOfImages()).toEqual([`${registry.host}/app:1`, "other"].sort());

    const pushed: TransferNews[] = [];
    const to = `${registry.host}/copy:2`;
    await client.transfer.push(ctx, "other", to, { plainHttp: true, onProgress: (news) => pushed.push(news) });
    expect(pushed[0]?.event).toBe(`Pushing to ${to}`);
    const head = await fetch(`${registry.url}/v2/copy/manifests/2`, { headers: { accept: image.target.mediaType } });
    expect(head.headers.get("docker-content-digest")).toBe(image.target.digest);

    const archive = await chunksOf(client.transfer.export(ctx, ["other"]));
    const elsewhere = { namespace: freshNamespace(scope) };
    const imported: TransferNews[] = [];
    await client.transfer.import(elsewhere, inPieces(archive), {
      onProgress: (news) => imported.push(news),
    });
    expect(imported[0]?.event).toBe("Importing");
    expect(imported.at(-1)?.event).toBe("Completed import");
    const names = (await client.images.list(elsewhere)).map(({ name, target }) => [name, target.digest]);
    expect(names).toEqual([["other", image.target.digest]]);
    expect(await client.leases.list(ctx)).toEqual([]);
    expect(await client.leases.list(elsewhere)).toEqual([]);
  });

  test("credentials are asked for over a stream, once, and wrong ones are refused", async () => {
    const registry = await startRegistry(scope, { needsPassword: true });
    const reference = `${registry.host}/app:1`;
    const asked: string[] = [];
    const credentials = (secret: string) => async (host: string) => {
      asked.push(host);
      return { username: REGISTRY_USER.username, secret };
    };
    const seeded = await startRegistry(scope);
    await seedRegistry(seeded, "app", "1", image);
    await client.transfer.pull(ctx, `${seeded.host}/app:1`, { plainHttp: true, name: "app" });
    expect(await failure(client.transfer.push(ctx, "app", reference, { plainHttp: true }))).toMatch(
      /authoriz|denied|credentials/,
    );
    const wrong = { plainHttp: true, credentials: credentials("wrong") };
    expect(await failure(client.transfer.push(ctx, "app", reference, wrong))).toMatch(/authoriz|denied|credentials/);
    asked.length = 0;
    const right = { plainHttp: true, credentials: credentials(REGISTRY_USER.secret) };
    await client.transfer.push(ctx, "app", reference, right);
    expect(asked).toEqual([registry.host]);
    expect(daemon.log()).not.toContain(REGISTRY_USER.secret);
  });

  const endOf = (name: "ImageImportStream" | "ImageExportStream", stream: string): Any =>
    name === "ImageImportStream"
      ? anyOfMessage(TYPES + name, ImageImportStream, ImageImportStream.fromPartial({ stream }))
      : anyOfMessage(TYPES + name, ImageExportStream, ImageExportStream.fromPartial({ stream }));

  const transfer = (source: Any, destination: Any, progressStream = "", in_ = ctx, signal?: AbortSignal) =>
    channel.unary(TransferService.transfer, { source, destination, options: { progressStream } }, { ...in_, signal });

  test("echo gives back every byte, in pieces of up to 32 KiB, and no more than it has credit for", async () => {
    using input = await RemoteStream.open(channel, ctx, "in");
    using output = await RemoteStream.open(channel, ctx, "out");
    const echo = transfer(endOf("ImageImportStream", input.id), endOf("ImageExportStream", output.id));
    const bytes = randomBytes(500_000);
    const writing = writeBytes(input, inPieces(bytes, 70_000)).then(() => input.end());
    const incoming = output.incoming[Symbol.asyncIterator]();
    const grant = (update: number) =>
      output.send(anyOfMessage(`${TYPES}WindowUpdate`, WindowUpdate, WindowUpdate.fromPartial({ update })));
    const chunks: Uint8Array[] = [];
    let got = 0;
    while (got < bytes.length) {
      await grant(50_000);
      const before = got;
      while (got - before < Math.min(50_000, bytes.length - before)) {
        const next = await incoming.next();
        if (next.done === true) throw new Error("the echo ended early");
        const { data } = Data.decode(next.value.value);
        expect(data.length).toBeLessThanOrEqual(32 * KIB);
        chunks.push(data);
        got += data.length;
      }
      expect(got - before).toBeLessThanOrEqual(50_000);
    }
    await writing;
    await echo;
    expect((await incoming.next()).done).toBe(true);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });

  test("whoever sends more than was granted, or something else than bytes, is refused", async () => {
    const tooMuch = anyOfMessage(`${TYPES}Data`, Data, { data: Buffer.alloc(100_000) });
    const nothing = anyOfMessage("google.protobuf.Empty", Empty, {});
    const cases = [
      [tooMuch, "more bytes were sent than had been granted"],
      [nothing, "a byte stream holds a message of type google.protobuf.Empty"],
      [{ typeUrl: `${TYPES}Data`, value: Buffer.from([10, 200]) }, "is malformed"],
    ] as const;
    for (const [message, said] of cases) {
      using input = await RemoteStream.open(channel, ctx, "in");
      using output = await RemoteStream.open(channel, ctx, "out");
      const echo = failure(transfer(endOf("ImageImportStream", input.id), endOf("ImageExportStream", output.id)));
      await output.send(anyOfMessage(`${TYPES}WindowUpdate`, WindowUpdate, { update: 1_000_000 }));
      await input.send(message);
      expect(await echo).toMatch(new RegExp(`^invalid_argument: .*${said}`));
    }
  });

  test("streams are known by their ids, in their namespace, for as long as they are open", async () => {
    const open = async (message: Any, in_ = ctx) => {
      const call = channel.duplex(StreamingService.stream, in_);
      try {
        await call.ask(message);
      } catch (error) {
        call.cancel();
        throw error;
      }
      return call;
    };
    const init = (id: string) =>
      anyOfMessage("containerd.services.streaming.v1.StreamInit", StreamInit, StreamInit.fromPartial({ id }));
    const first = await open(init("mine"));
    expect(await failure(open(init("mine")))).toMatch(/^already_exists: /);
    const other = await open(init("mine"), { namespace: freshNamespace(scope) });
    other.cancel();
    expect(await failure(open(init("")))).toMatch(/^invalid_argument: /);
    expect(await failure(open(anyOfMessage("google.protobuf.Empty", Empty, {})))).toMatch(/^invalid_argument: /);
    const unknown = transfer(endOf("ImageImportStream", "no-such"), endOf("ImageExportStream", "mine"));
    expect(await failure(unknown)).toMatch(/^not_found: /);
    first.cancel();
    const again = await until("the id to be free", () => open(init("mine")));
    again.cancel();
  });

  test("ends that make no transfer are told by their names", async () => {
    const [from, to] = [`${TYPES}ImageExportStream`, `${TYPES}ImageStore`];
    const wrong = transfer(endOf("ImageExportStream", "x"), anyOfMessage(to, ImageStore, ImageStore.fromPartial({})));
    expect(await failure(wrong)).toBe(
      `not_implemented: method Transfer not implemented for ${from} to ${to}: not implemented`,
    );
  });

  test("a transfer that is given up leaves neither stream nor lease nor ingest", async () => {
    const giveUp = new AbortController();
    using input = await RemoteStream.open(channel, ctx, "in");
    const store = anyOfMessage(`${TYPES}ImageStore`, ImageStore, ImageStore.fromPartial({ name: "never" }));
    const importing = failure(transfer(endOf("ImageImportStream", input.id), store, "", ctx, giveUp.signal));
    await until("the import to take a lease", async () => (await client.leases.list(ctx)).length > 0);
    giveUp.abort();
    expect(await importing).toMatch(/^cancelled: /);
    await until("the lease to go", async () => (await client.leases.list(ctx)).length === 0);
    const rest: unknown[] = [];
    await expect(
      (async () => {
        for await (const message of input.incoming) rest.push(message);
      })(),
    ).rejects.toMatchObject({ kind: "cancelled" });
    expect(await namesOfImages()).toEqual([]);
  });

  test("a client that dies amid an import leaves no image", async () => {
    const input = await RemoteStream.open(channel, ctx, "in");
    const store = anyOfMessage(`${TYPES}ImageStore`, ImageStore, ImageStore.fromPartial({ name: "never" }));
    const importing = failure(transfer(endOf("ImageImportStream", input.id), store));
    await until("the import to take a lease", async () => (await client.leases.list(ctx)).length > 0);
    input[Symbol.dispose]();
    expect(await importing).toMatch(/^aborted: /);
    expect(await client.leases.list(ctx)).toEqual([]);
    expect(await namesOfImages()).toEqual([]);
  });

  test("a source that fails ends the import with its own words", async () => {
    const broken = async function* () {
      yield Buffer.alloc(512);
      throw new Error("the tape is torn");
    };
    expect(await failure(client.transfer.import(ctx, broken()))).toBe("unknown: the tape is torn");
    expect(await failure(client.transfer.import(ctx, inPieces(Buffer.from("no archive"))))).toMatch(
      /archive|unrecognized|tar/,
    );
  });

  test("an export that is read no further is given up", async () => {
    expect(await failure(chunksOf(client.transfer.export(ctx, ["no-such"])))).toMatch(/^not_found: /);
    const registry = await startRegistry(scope);
    const large = testImage([noiseLayer("large", 2048 * KIB, "plain")]);
    await seedRegistry(registry, "large", "1", large);
    await client.transfer.pull(ctx, `${registry.host}/large:1`, { plainHttp: true, name: "large" });
    for await (const chunk of client.transfer.export(ctx, ["large"])) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    // The daemon is none the worse for it.
    const whole = await chunksOf(client.transfer.export(ctx, ["large"]));
    expect(whole.length).toBeGreaterThan(2048 * KIB);
    expect(await client.leases.list(ctx)).toEqual([]);
  });
});
