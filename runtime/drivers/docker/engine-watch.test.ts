// The stream of events over a real socket, cut and torn as networks do.
import { createServer, type ServerResponse } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DisposeScope } from "../../../api/core/dispose.js";
import { type Logger, silentLogger } from "../../../api/core/log.js";
import { tempDir } from "../../../test/helpers/temp.js";
import { until } from "../../../test/helpers/until.js";
import { openEngine } from "../../docker/engine.js";
import { type ContainerEvent, EngineWatch } from "./engine-watch.js";

const FILTERS = { label: ["io.berth.owner=me"] };

let scope: DisposeScope;
let socketPath: string;
/** Who follows the events, and with which query. */
let followers: { readonly response: ServerResponse; readonly url: URL }[];
let heard: ContainerEvent[];
let looks: boolean[];
beforeEach(async () => {
  scope = new DisposeScope();
  socketPath = join(await tempDir(scope), "d.sock");
  [followers, heard, looks] = [[], [], []];
});
afterEach(() => scope[Symbol.asyncDispose]());

function watch(log: Logger = silentLogger): EngineWatch {
  const engine = scope.use(openEngine({ host: `unix://${socketPath}`, env: {} }));
  return scope.use(
    new EngineWatch({
      engine,
      filters: FILTERS,
      log,
      onEvent: (event) => void heard.push(event),
      onLook: async (isFirst) => void looks.push(isFirst),
    }),
  );
}

async function listen(): Promise<void> {
  const server = createServer((request, response) => {
    response.writeHead(200).flushHeaders();
    followers.push({ response, url: new URL(request.url ?? "", "http://engine") });
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  scope.defer(() => server.close());
  scope.defer(() => server.closeAllConnections());
}

const follower = (count: number): Promise<ServerResponse> =>
  until(`${count} followers`, () => followers.length >= count && followers[count - 1]?.response);

const line = (action: string, timeNano: number, attributes = {}): string =>
  `${JSON.stringify({ Action: action, Actor: { ID: "c", Attributes: attributes }, timeNano })}\n`;

const actions = (): string[] => heard.map(({ action }) => action);

test("only our containers' events are asked for, and what comes in pieces is put together", async () => {
  await listen();
  const { looked } = watch();
  const response = await follower(1);
  const { searchParams } = followers[0]?.url ?? new URL("http://none");
  expect(JSON.parse(searchParams.get("filters") ?? "")).toEqual({ ...FILTERS, type: ["container"] });
  await looked;
  expect(looks).toEqual([true]);
  const text = `${line("start", 1)}no event\n\n{"Action":1}\n${line("exec_died", 2, { name: "é" })}${line("remove", 3)}`;
  for (const byte of Buffer.from(text)) response.write(Buffer.from([byte]));
  await until("the events to be heard", () => heard.length >= 3);
  expect(heard).toEqual([
    { containerId: "c", action: "start", attributes: {}, timeNs: 1n },
    { containerId: "c", action: "exec_die", attributes: { name: "é" }, timeNs: 2n },
    { containerId: "c", action: "destroy", attributes: {}, timeNs: 3n },
  ]);
});

test("after a break everything is looked at, and what is told again is no news", async () => {
  await listen();
  watch();
  const first = await follower(1);
  first.write(line("start", 5));
  await until("an event to be heard", () => heard.length === 1);
  first.socket?.destroy();
  const second = await follower(2);
  second.write(`${line("create", 4)}${line("start", 5)}${line("die", 6)}`);
  await until("the next one to be heard", () => heard.length >= 2);
  expect(actions()).toEqual(["start", "die"]);
  expect(looks).toEqual([true, true]);
});

test("what happens while an engine is away is asked for, however long that is", async () => {
  await listen();
  vi.useFakeTimers({ toFake: ["Date"], now: 100_000 });
  scope.defer(() => vi.useRealTimers());
  const passTime = (): void => void vi.setSystemTime(500_000);
  watch({ ...silentLogger, debug: passTime, warn: passTime });
  (await follower(1)).socket?.destroy();
  await follower(2);
  expect(Date.now()).toBe(500_000);
  expect(followers.map(({ url }) => url.searchParams.get("since"))).toEqual(["95", "95"]);
});

test("an engine that is away is found when it comes, and nobody waits for it", async () => {
  const { looked } = watch();
  await looked;
  expect(looks).toEqual([]);
  await listen();
  (await follower(1)).write(line("die", 1));
  await until("an event to be heard", () => heard.length === 1);
  expect(looks).toEqual([true]);
});

test("whoever lets go while it is followed, or away, is let go", async () => {
  await watch()[Symbol.asyncDispose]();
  await listen();
  const following = watch();
  const response = await follower(1);
  await following[Symbol.asyncDispose]();
  await until("the connection to end", () => response.destroyed || response.closed);
});
