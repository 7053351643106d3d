// What the tests of LXD stand on: the engine of a test's own runs containers, and finds them again after it was killed.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { LXD_BUSYBOX, type Lxd, startLxd } from "../helpers/lxd.js";
import { requires } from "../helpers/requires.js";
import { until } from "../helpers/until.js";

describe.skipIf(requires.root() || requires.binary("lxd"))("an LXD of a test's own", () => {
  const scope = new DisposeScope();
  let lxd: Lxd;

  beforeAll(async () => {
    lxd = await startLxd(scope);
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  test("runs a container with an address, which outlives it", async () => {
    await lxd.must(["launch", "-q", LXD_BUSYBOX, "c1"]);
    await until("an address", async () => /10\.213\.9\./.test(await lxd.must(["list", "--format", "csv"])));
    await lxd.kill9();
    await lxd.restart();
    expect(await lxd.must(["exec", "c1", "--", "echo", "still"])).toBe("still");
    await lxd.must(["stop", "c1"]);
    expect(await lxd.must(["list", "--format", "csv", "--columns", "ns"])).toBe("c1,STOPPED");
  });
});
