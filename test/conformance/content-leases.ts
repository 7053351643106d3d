// What the lease in the header of a content call comes to hold, and when.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import {
  type ContentWorld,
  commitBytes,
  digestOf,
  freshContext,
  leaveIngest,
  type MakeContentWorld,
} from "./content-world.js";
import { failure } from "./failure.js";

export function contentLeaseConformance(makeWorld: MakeContentWorld): void {
  describe("leases", () => {
    let scope: DisposeScope;
    let world: ContentWorld;
    let ctx: RequestContext;
    let leased: RequestContext;

    beforeEach(async () => {
      scope = new DisposeScope();
      world = await makeWorld(scope);
      ctx = freshContext();
      leased = { ...ctx, leaseId: "l" };
      await world.leases.create(ctx, { id: "l" });
    });
    afterEach(() => scope[Symbol.asyncDispose]());

    const hello = Buffer.from("hello");
    const digest = digestOf(hello);
    const held = async () => (await world.leases.listResources(ctx, "l")).map(({ type, id }) => `${type} ${id}`);

    test("the ingest, then the blob", async () => {
      const { content } = world;
      await leaveIngest(content, leased, { ref: "r" }, hello);
      expect(await held()).toEqual(["ingests r"]);
      await using writer = await content.openWriter(leased, { ref: "r" });
      await writer.commit();
      expect(await held()).toEqual([`content ${digest}`]);
      await content.delete(leased, digest);
      expect(await held()).toEqual([]);
    });

    test("nothing more of what is aborted", async () => {
      await leaveIngest(world.content, leased, { ref: "r" }, hello);
      await world.content.abort(leased, "r");
      expect(await held()).toEqual([]);
    });

    test("a blob that is here already, whether that is found at opening or at the end", async () => {
      const { content } = world;
      await commitBytes(content, ctx, hello);
      expect(await failure(content.openWriter(leased, { ref: "r", expected: digest }))).toMatch(/^already_exists: /);
      expect(await held()).toEqual([`content ${digest}`]);
      await world.leases.deleteResource(ctx, "l", { type: "content", id: digest });
      expect(await failure(commitBytes(content, leased, hello, { ref: "r" }))).toMatch(/^already_exists: /);
      expect(await held()).toEqual([`content ${digest}`]);
    });

    test.each(["nope", ""])("a lease that is not there refuses what would be held: %j", async (leaseId) => {
      const { content } = world;
      const bad = { ...ctx, leaseId };
      const refused = "not_found: lease does not exist: not found";
      expect(await failure(content.openWriter(bad, { ref: "r" }))).toBe(refused);
      expect(await content.listStatuses(ctx)).toEqual([]);
      await commitBytes(content, ctx, hello);
      expect(await failure(content.openWriter(bad, { ref: "r", expected: digest }))).toBe(
        "not_found: unable to lease content: lease does not exist: not found",
      );
      // Whoever lets go needs none.
      await leaveIngest(content, ctx, { ref: "r" }, hello);
      await content.abort(bad, "r");
      await content.delete(bad, digest);
    });
  });
}
