// What a listener hears, and what becomes of news that nobody takes.
import { join } from "node:path";
import { expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { errorKind } from "../../api/core/errors.js";
import { type Logger, silentLogger } from "../../api/core/log.js";
import { ContainerCreationProgress_Status as Creation } from "../../api/gen/vm_tools/tremplin.js";
import { tempDir } from "../../test/helpers/temp.js";
import { startTestListener } from "../../test/helpers/tremplin-listener.js";
import { openListener } from "./listener.js";

test("news go out in the order in which they were asked for, as they were then", async () => {
  await using scope = new DisposeScope();
  const heard = await startTestListener(scope, join(await tempDir(scope), "l.sock"));
  await using listener = openListener({ address: heard.address, log: silentLogger });
  const news = { status: Creation.DOWNLOADING, containerName: "penguin", downloadProgress: 0 };
  const told: Promise<void>[] = [];
  for (let i = 0; i <= 50; i += 1) {
    news.downloadProgress = i;
    told.push(listener.tell("updateCreateStatus", news));
  }
  told.push(listener.tell("containerShutdown", { containerName: "penguin" }));
  await Promise.all(told);
  expect(heard.told.map(({ method }) => method).slice(-2)).toEqual(["updateCreateStatus", "containerShutdown"]);
  expect(heard.of("updateCreateStatus").map((each) => each.downloadProgress)).toEqual(
    Array.from({ length: 51 }, (_, i) => i),
  );
});

test("a listener that comes late is waited for", async () => {
  await using scope = new DisposeScope();
  const path = join(await tempDir(scope), "l.sock");
  await using listener = openListener({ address: `unix:${path}`, log: silentLogger });
  const told = listener.call("tremplinReady", {});
  const heard = await startTestListener(scope, path);
  await told;
  expect(heard.told).toMatchObject([{ method: "tremplinReady" }]);
});

test("what a listener refuses is thrown by a call and logged otherwise", async () => {
  await using scope = new DisposeScope();
  const heard = await startTestListener(scope, join(await tempDir(scope), "l.sock"));
  heard.refuse(true);
  const warnings: unknown[] = [];
  const log: Logger = { ...silentLogger, warn: (fields) => warnings.push(fields["method"]) };
  await using listener = openListener({ address: heard.address, log });
  const failure = await listener.call("tremplinReady", {}).catch((error: unknown) => error);
  expect(errorKind(failure)).toBe("failed_precondition");
  expect(failure).toMatchObject({ message: expect.stringContaining("tremplinReady: not wanted") });
  await listener.tell("containerShutdown", { containerName: "penguin" });
  expect(warnings).toEqual(["containerShutdown"]);
  // A refusal does not keep what comes behind it.
  heard.refuse(false);
  await listener.call("containerShutdown", { containerName: "other" });
});

test("after its end nothing goes out, and nobody is told off", async () => {
  await using scope = new DisposeScope();
  const path = join(await tempDir(scope), "l.sock");
  const log: Logger = { ...silentLogger, warn: () => expect.fail("a warning") };
  const listener = openListener({ address: `unix:${path}`, log });
  const told = listener.tell("tremplinReady", {});
  await listener[Symbol.asyncDispose]();
  await told;
  expect(errorKind(await listener.call("tremplinReady", {}).catch((error: unknown) => error))).toBe("cancelled");
});

test.each(["", "unix:", "7778", "host:port", "/path", "a/b:1"])("%j is no address of a listener", (address) => {
  expect(() => openListener({ address, log: silentLogger })).toThrow(/listener's address is unix:PATH or HOST:PORT/);
});
