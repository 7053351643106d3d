// `berth events` over the past: what the ledger kept, printed as it was live, and followed through the death of the daemon.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { formatTime, systemClock } from "../../api/core/time.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const scope = new DisposeScope();
let daemon: Berthd;
let client: Client;
let berth: Cli;
let namespace: string;

beforeAll(async () => {
  namespace = freshNamespace(scope);
  daemon = await startBerthd(scope);
  client = scope.use(connect({ address: daemon.address, namespace }));
  berth = createCli("berth", daemon, namespace);
});
afterAll(() => scope[Symbol.asyncDispose]());

const create = (id: string) =>
  client.containers.create(
    {},
    {
      id,
      image: "",
      labels: {},
      runtime: { name: "r", options: undefined },
      spec: { typeUrl: "t", value: Buffer.alloc(0) },
      snapshotter: "",
      snapshotKey: "",
      sandbox: "",
      extensions: {},
    },
  );

const linesOf = (text: string): string[] => text.split("\n").filter((line) => line !== "");

interface Line {
  readonly seq: number;
  readonly topic: string;
  readonly event: { readonly id: string };
}
const parsed = (text: string): Line[] => linesOf(text).map((line) => JSON.parse(line));

async function events(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await berth.run(["events", ...args]);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
}

test("prints the past as it was printed live, within the times and filters asked for", async () => {
  await using live = await berth.start(["events", `namespace==${namespace}`]);
  // A subscription tells nothing when it begins, so something is told until it is heard.
  let tries = 0;
  await until("the subscription to be heard", async () => {
    await create(`first-${tries++}`);
    return live.stdout() !== "";
  });
  const since = formatTime(systemClock());
  await create("a");
  const between = formatTime(systemClock());
  await create("b");
  await live.waitForOutput(/"id":"b"/);
  const told = linesOf(live.stdout()).filter((line) => /"id":"[ab]"/.test(line));
  expect(told).toHaveLength(2);

  const own = ["--filter", `namespace==${namespace}`];
  expect(linesOf(await events("--since", since, ...own))).toEqual(told);
  expect(linesOf(await events("--since", since, "--until", between, ...own))).toEqual(told.slice(0, 1));
  expect(linesOf(await events("--since", between, `namespace==${namespace},topic=="/containers/create"`))).toEqual(
    told.slice(1),
  );
  expect(await events("--since", "1h", "--until", since, "--filter", "event.id==a")).toBe("");
  const [, second] = parsed(await events("--since", since, "--format", "jsonl", ...own));
  expect(second).toMatchObject({ topic: "/containers/create", event: { id: "b" } });
  expect(parsed(await events("--after", String((second?.seq ?? 0) - 1), "--format", "jsonl", ...own))).toEqual([
    second,
  ]);
});

test("a follower misses nothing and hears nothing twice when the daemon is killed and started again", async () => {
  const filter = `namespace==${namespace},topic=="/containers/create",event.id~=^n-`;
  const since = formatTime(systemClock());
  await create("n-0");
  await using follower = await berth.start([
    "events",
    "--since",
    since,
    "--follow",
    "--format",
    "jsonl",
    "--filter",
    filter,
  ]);
  await follower.waitForOutput(/"n-0"/);
  await create("n-1");
  await daemon.kill();
  daemon = await daemon.restart();
  await client.ready({ timeoutMs: 30_000 });
  await create("n-2");
  await follower.waitForOutput(/"n-2"/);
  const seen = parsed(follower.stdout());
  expect(seen.map(({ event }) => event.id)).toEqual(["n-0", "n-1", "n-2"]);
  expect(seen.map(({ seq }) => seq)).toEqual([...new Set(seen.map(({ seq }) => seq))].sort((a, b) => a - b));
});

test("a follower ends at the time it was told", async () => {
  const soon = formatTime(systemClock() + 1_500_000_000n);
  await create("early");
  const printed = parsed(
    await events("--follow", "--since", "1h", "--until", soon, "--format", "jsonl", "event.id==early"),
  );
  expect(printed.map(({ event }) => event.id)).toEqual(["early"]);
});

test("a position that is ahead and a bad filter are refused", async () => {
  const { code, stderr } = await berth.run(["events", "--after", "1000000"]);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/event 1000000 is ahead of the ledger, which is at \d+/)]);
  const bad = await berth.run(["events", "--since", "1h", "--filter", "topic=x"]);
  expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('unsupported operator "="')]);
});

test.skipIf(requires.binary("containerd"))(
  "containerd keeps neither past nor exits and has no doctor, and berth says so",
  async () => {
    await using own = new DisposeScope();
    const cli = createCli("berth", await startContainerd(own), namespace);
    const calls = [["events", "--since", "1h"], ["exits"], ["doctor"]];
    const [past, exits, doctor] = await Promise.all(calls.map((args) => cli.run(args)));
    expect([past?.code, exits?.code, doctor?.code]).toEqual([7, 7, 7]);
    expect(past?.stderr).toMatch(/^berth: past events are kept by berthd only: /);
    expect(exits?.stderr).toMatch(/^berth: exits are kept by berthd only: /);
    expect(doctor?.stderr).toMatch(/^berth: store and host are looked over by berthd only: /);
  },
);
