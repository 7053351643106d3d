// SetTimezone on containers that have no tool for it, or one of our own making. Debian's tool is asked in tremplin-debian.test.ts.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Inside, insideOf } from "../helpers/inside.js";
import { LXD_BUSYBOX } from "../helpers/lxd.js";
import { requires } from "../helpers/requires.js";
import { type EmbeddedTremplin, startTremplin } from "../helpers/tremplin.js";

const BERLIN = { timezoneName: "Europe/Berlin", posixTzString: "CET-1CEST,M3.5.0,M10.5.0/3" };
/** Writes down what it was told, and fails for one zone. */
const TOOL = `#!/bin/sh
echo "$@" >> /told
case $2 in Nowhere/*) echo "no such zone" >&2; exit 3 ;; esac
`;

describe.skipIf(requires.root() || requires.binary("lxd"))("time zones of containers", () => {
  const scope = new DisposeScope();
  let tremplin: EmbeddedTremplin;
  let inside: Inside;

  beforeAll(async () => {
    tremplin = await startTremplin(scope);
    expect(await tremplin.setTimezone({ ...BERLIN, containerNames: ["alive"] })).toMatchObject({
      successes: 0,
      failureReasons: ["Ignoring SetTimezone request before LXD is running"],
    });
    await tremplin.up();
    inside = insideOf(scope, tremplin.lxdDir);
    await tremplin.must(["launch", LXD_BUSYBOX, "alive"]);
    await tremplin.must(["launch", LXD_BUSYBOX, "able"]);
    await tremplin.must(["init", LXD_BUSYBOX, "stopped"]);
    await inside("able", ["sh", "-c", 'printf %s "$1" > /bin/timedatectl; chmod 755 /bin/timedatectl', "sh", TOOL]);
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  const variableOf = (name: string): Promise<string> => tremplin.must(["config", "get", name, "environment.TZ"]);

  test("are variables where there is no tool, also of containers that do not run", async () => {
    const answer = await tremplin.setTimezone({ ...BERLIN, containerNames: ["alive", "stopped"] });
    expect(answer).toMatchObject({ successes: 2, failureReasons: [] });
    for (const name of ["alive", "stopped"]) expect(await variableOf(name)).toBe(BERLIN.posixTzString);
    expect(await inside("alive", ["date", "-d", "@0", "+%Z %H"])).toBe("CET 01");
  });

  test("are set by the tool where there is one, and no variable stands against it", async () => {
    await tremplin.must(["config", "set", "able", "environment.TZ=UTC0"]);
    expect(await tremplin.setTimezone({ ...BERLIN, containerNames: ["able"] })).toMatchObject({ successes: 1 });
    expect(await inside("able", ["tail", "-n1", "/told"])).toBe("set-timezone Europe/Berlin");
    expect(await variableOf("able")).toBe("");
  });

  test("are variables where the tool refuses them", async () => {
    const request = { timezoneName: "Nowhere/Here", posixTzString: "UTC0", containerNames: ["able"] };
    expect(await tremplin.setTimezone(request)).toMatchObject({ successes: 1, failureReasons: [] });
    expect(await variableOf("able")).toBe("UTC0");
  });

  test("are nothing for some containers and set for the others", async () => {
    const containerNames = ["gone", "able", "stopped", "no_name", "alive"];
    const answer = await tremplin.setTimezone({ timezoneName: "Europe/Berlin", containerNames });
    expect(answer.successes).toBe(1);
    expect(answer.failureReasons).toEqual([
      "could not get container gone: look at instance gone: Instance not found",
      expect.stringMatching(/^container stopped: exec in instance stopped: .*not running/),
      expect.stringMatching(/^could not get container no_name: bad container name/),
      expect.stringMatching(/^container alive: timedatectl ended with status 127: .*not found|No such file/),
    ]);
  });

  test("have two reasons where both ways fail", async () => {
    const request = { timezoneName: "Nowhere/Here", posixTzString: "a\nb", containerNames: ["able"] };
    expect((await tremplin.setTimezone(request)).failureReasons).toEqual([
      "container able: timedatectl ended with status 3: no such zone, bad POSIX time zone",
    ]);
  });

  test.each(["", "--help", "-H", "a b", "a\nb", "$(id)"])("are not called %j", async (timezoneName) => {
    const before = await inside("able", ["cat", "/told"]);
    expect(await tremplin.setTimezone({ timezoneName, containerNames: ["able"] })).toMatchObject({
      successes: 0,
      failureReasons: ["container able: bad name of a time zone"],
    });
    expect(await inside("able", ["cat", "/told"])).toBe(before);
  });

  test("of no containers are set at once", async () => {
    expect(await tremplin.setTimezone(BERLIN)).toMatchObject({ successes: 0, failureReasons: [] });
  });
});
