// Wrong calls get the same code and the same words from berthd as from a real containerd; those that crash containerd are refused.
import { join } from "node:path";
import { credentials, makeGenericClientConstructor, type ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import { call, headers } from "../helpers/grpc.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { makeWorld, refusalOf } from "./world.js";
import { CRASHING_CALLS, UNKNOWN_METHODS } from "./wrong-calls/crashing.js";
import { WRONG_CALLS } from "./wrong-calls/index.js";
import type { WrongCall } from "./wrong-calls/wrong-call.js";

const lacking = requires.root() || requires.binary("containerd");

describe.skipIf(lacking)("errors", () => {
  const scope = new DisposeScope();
  let theirs: Awaited<ReturnType<typeof makeWorld>>;
  let ours: Awaited<ReturnType<typeof makeWorld>>;

  beforeAll(async () => {
    const rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
    const [theirNamespace, ourNamespace] = [freshNamespace(scope), freshNamespace(scope)];
    theirs = await makeWorld(scope, await startContainerd(scope), theirNamespace, rootfs);
    ours = await makeWorld(scope, await startBerthd(scope), ourNamespace, rootfs);
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const same = WRONG_CALLS.filter(({ difference }) => difference === undefined);
  test.each(same)("$name: as containerd", async (wrong) => {
    const expected = await refusalOf(theirs, wrong);
    expect(await refusalOf(ours, wrong)).toEqual(expected);
  });

  const different = WRONG_CALLS.filter(({ difference }) => difference !== undefined);
  test.each(different)("$name: unlike containerd, since $difference.why", async (wrong) => {
    const answer = await refusalOf(ours, wrong);
    expect(answer).toEqual(wrong.difference?.answer);
    expect(answer, "no difference any more").not.toEqual(await refusalOf(theirs, wrong));
  });

  test.each(CRASHING_CALLS)("$name: refused, where containerd crashes", async (wrong) => {
    expect((await refusalOf(ours, wrong)).code).toBe(wrong.code);
  });

  test.each(UNKNOWN_METHODS)("$path: not implemented on either", async ({ path, code }) => {
    for (const world of [theirs, ours]) {
      const client = new (makeGenericClientConstructor({}, "Nothing"))(
        `unix:${world.engine.address}`,
        credentials.createInsecure(),
      );
      const error = await new Promise<ServiceError | null>((resolve) => {
        client.makeUnaryRequest(
          path,
          (bytes: Buffer) => bytes,
          (bytes) => bytes,
          Buffer.alloc(0),
          resolve,
        );
      });
      client.close();
      expect(error?.code).toBe(code);
    }
  });

  test("both daemons are still there, and so is the task", async () => {
    const get: WrongCall = {
      name: "Tasks.Get",
      make: async ({ clients: { tasks }, namespace }) => {
        const { process } = await call(tasks, tasks.get, { containerId: "busy", execId: "" }, headers(namespace));
        return process?.status;
      },
    };
    expect(await refusalOf(theirs, get)).toEqual({ code: 0, message: "2" });
    expect(await refusalOf(ours, get)).toEqual({ code: 0, message: "2" });
  });
});
