// Slow and idle clients: whoever does not read, or only stays connected, costs the daemon little, and the others notice nothing.
import { readdirSync, readFileSync } from "node:fs";
import { connect as connectSocket, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { GrpcChannel } from "../../api/client/grpc-channel.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import { ContainersService } from "../../api/gen/services/containers/v1/containers.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { freshNamespace } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const MIB = 1024 * 1024;
/** What a daemon may grow by for reasons of its own: garbage not yet collected, compiled code, caches. */
const OWN_GROWTH_MIB = 96;

let scope: DisposeScope;
let namespace: string;
let daemon: Berthd;
let client: Client;

beforeEach(async () => {
  scope = new DisposeScope();
  namespace = freshNamespace(scope);
  daemon = await startBerthd(scope, { args: ["--log-level", "info"] });
  client = scope.use(connect({ address: daemon.address, namespace }));
});
afterEach(() => scope[Symbol.asyncDispose]());

const memoryMib = (): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8"))?.[1]) / 1024;
const descriptors = (): number => readdirSync(`/proc/${daemon.pid}/fd`).length;

/** Does `count` things, `atOnce` of them at a time. */
async function many(count: number, atOnce: number, work: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let n = next++; n < count; n = next++) await work(n);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

const create = (id: string, bytes: number) =>
  client.containers.create(
    {},
    { id, runtime: { name: "io.containerd.runc.v2" }, spec: anyOfJson(SPEC_TYPE, { padding: "x".repeat(bytes) }) },
  );

/** What any other client does all day. */
async function othersWork(mark: string): Promise<void> {
  await many(200, 8, async (n) => {
    const id = `${mark}-${n}`;
    await create(id, 100);
    expect((await client.containers.get({}, id)).id).toBe(id);
    await client.containers.delete({}, id);
  });
}

describe("a client that does not read", () => {
  const COUNT = 1_500;
  const RECORD_BYTES = 40_000;
  const READERS = 20;

  test("its stream of records waits for it, and is whole when it reads on", async () => {
    await many(COUNT, 32, (n) => create(`c${n}`, RECORD_BYTES));
    await othersWork("before");
    const before = memoryMib();
    const readers = Array.from({ length: READERS }, () => {
      const channel = scope.use(new GrpcChannel(daemon.address, { namespace }));
      return channel.stream(ContainersService.listStream, { filters: [] }, {})[Symbol.asyncIterator]();
    });
    // Each has read one record, so each stream is under way.
    for (const reader of readers) expect((await reader.next()).done).toBe(false);
    await othersWork("after");
    const unread = (READERS * COUNT * RECORD_BYTES) / MIB;
    expect(unread).toBeGreaterThan(10 * OWN_GROWTH_MIB);
    expect(memoryMib() - before).toBeLessThan(OWN_GROWTH_MIB);

    const [first, ...others] = readers;
    let read = 1;
    while (first !== undefined && !(await first.next()).done) read += 1;
    expect(read).toBe(COUNT);
    for (const reader of others) await reader.return?.();
  });
});

describe("subscribers that sleep", () => {
  const SUBSCRIBERS = 50;
  const EVENTS = 4_000;
  const EVENT_BYTES = 20_000;
  /** Node 24's heap grows by 98 for 2,000 events, by 114 for 10,000: it is not what waits, of which there is 25 times as much. */
  const GROWTH_MIB = 128;

  test("cost nobody anything, and miss nothing", async () => {
    const payload = { typeUrl: "test.Payload", value: Buffer.alloc(EVENT_BYTES, 1) };
    const sleepers = Array.from({ length: SUBSCRIBERS }, () => {
      const sleeper = scope.use(connect({ address: daemon.address, namespace }));
      return sleeper.events.subscribe({ filters: ["topic~=^/test/"] })[Symbol.asyncIterator]();
    });
    // Each has read one event, so each subscription is live.
    let live = 0;
    const begun = sleepers.map(async (sleeper) => {
      await sleeper.next();
      live += 1;
    });
    await until("every subscription to be live", async () => {
      await client.events.publish({}, "/test/begin", payload);
      return live === SUBSCRIBERS;
    });
    await Promise.all(begun);
    await othersWork("before");
    const before = memoryMib();
    await many(EVENTS, 16, (n) => client.events.publish({}, `/test/n${n}`, payload));
    await othersWork("after");
    expect((SUBSCRIBERS * EVENTS * EVENT_BYTES) / MIB).toBeGreaterThan(25 * GROWTH_MIB);
    expect(memoryMib() - before).toBeLessThan(GROWTH_MIB);

    const [first, ...others] = sleepers;
    const topics = new Set<string>();
    while (first !== undefined && topics.size < EVENTS) {
      const { value, done } = await first.next();
      if (done === true) break;
      if (value.topic !== "/test/begin") topics.add(value.topic);
    }
    expect(topics.size).toBe(EVENTS);
    for (const sleeper of others) await sleeper.return?.();
  });
});

describe("a thousand connections that do nothing", () => {
  const CONNECTIONS = 1_000;

  test("keep nobody from connecting and working, and are forgotten when they go", async () => {
    await othersWork("before");
    const [memoryBefore, descriptorsBefore] = [memoryMib(), descriptors()];
    const sockets: Socket[] = [];
    scope.defer(() => {
      for (const socket of sockets) socket.destroy();
    });
    await many(CONNECTIONS, 50, async () => {
      const socket = connectSocket(daemon.address);
      sockets.push(socket);
      socket.on("error", () => {});
      await new Promise<void>((resolve, reject) => {
        socket.once("connect", resolve);
        socket.once("error", reject);
      });
    });
    await until("the daemon to have them all", () => descriptors() >= descriptorsBefore + CONNECTIONS);
    await othersWork("during");
    const late = scope.use(connect({ address: daemon.address, namespace }));
    expect((await late.version()).version).not.toBe("");
    expect(memoryMib() - memoryBefore).toBeLessThan(OWN_GROWTH_MIB);
    expect(sockets.filter(({ destroyed }) => destroyed)).toEqual([]);
    await late[Symbol.asyncDispose]();

    for (const socket of sockets) socket.destroy();
    await until("their descriptors to be closed", () => descriptors() <= descriptorsBefore);
    await othersWork("afterwards");
  });
});
