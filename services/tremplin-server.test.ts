// Where a server that is told nothing keeps its things, and what it refuses before it makes anything.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DisposeScope } from "../api/core/dispose.js";
import { tempDir } from "../test/helpers/temp.js";
import { startTestListener } from "../test/helpers/tremplin-listener.js";
import { createTremplinServer, tremplinPlaces } from "./tremplin-server.js";

const ROOT = {
  root: "/var/lib/tremplin",
  state: "/run/tremplin",
  berthAddress: "/run/tremplin/berth.sock",
  address: "unix:/run/tremplin/tremplin.sock",
  lxdDir: "/var/lib/lxd",
};

test.each([
  ["root", 0, {}, {}, ROOT],
  [
    "a user with an LXD",
    1000,
    { XDG_DATA_HOME: "/d", XDG_RUNTIME_DIR: "/r", LXD_DIR: "/l" },
    {},
    {
      root: "/d/tremplin",
      state: "/r/tremplin",
      berthAddress: "/r/tremplin/berth.sock",
      address: "unix:/r/tremplin/tremplin.sock",
      lxdDir: "/l",
    },
  ],
  [
    "who names some",
    0,
    { LXD_DIR: "/l" },
    { state: "/s", lxdDir: "/m", address: ":8890" },
    { ...ROOT, state: "/s", berthAddress: "/s/berth.sock", address: ":8890", lxdDir: "/m" },
  ],
])("of %s", (_, uid, env, given, places) => {
  expect(tremplinPlaces(uid, env, given)).toEqual(places);
});

/** All below one folder. */
const placesIn = (dir: string) => ({
  root: join(dir, "root"),
  state: join(dir, "state"),
  berthAddress: join(dir, "b.sock"),
  address: `unix:${join(dir, "t.sock")}`,
  lxdDir: join(dir, "lxd"),
  listener: `unix:${join(dir, "l.sock")}`,
});

test("without a listener that takes its first news there is no server", async () => {
  await using scope = new DisposeScope();
  const dir = await tempDir(scope);
  const listener = await startTestListener(scope, join(dir, "l.sock"));
  listener.refuse(true);
  await expect(createTremplinServer(placesIn(dir))).rejects.toThrow(/tremplinReady: not wanted/);
  expect((await readdir(dir)).filter((name) => name.endsWith(".sock"))).toEqual(["l.sock"]);
  listener.refuse(false);
  await using server = await createTremplinServer(placesIn(dir));
  expect(server.listening).toBe(`unix:${join(dir, "t.sock")}`);
});

test.each([
  ["an address", { address: "nonsense" }, /unix:PATH or HOST:PORT/],
  ["a listener", { listener: "nonsense" }, /listener's address/],
  ["a subnet without a width", { lxdSubnet: "10.0.0.1" }, /subnet is an address and a width/],
  ["a subnet without room", { lxdSubnet: "10.0.0.1/31" }, /subnet is an address and a width/],
  ["a subnet of no address", { lxdSubnet: "10.0.0.256/24" }, /subnet is an address and a width/],
  ["LXD's folder", { lxdDir: `/${"d".repeat(100)}` }, /too long a name for the socket/],
])("%s that is none is refused", async (_, bad, reason) => {
  await using scope = new DisposeScope();
  const dir = await tempDir(scope);
  await expect(createTremplinServer({ ...placesIn(dir), ...bad })).rejects.toThrow(reason);
  expect(await readdir(dir)).toEqual([]);
});
