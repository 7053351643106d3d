// What `client.run` and the objects that it makes promise, for any client: of a daemon behind a socket, of containerd, of a daemon in
// this process; with tasks in containers or as processes of the host.
import { afterAll, beforeAll, describe } from "vitest";
import { DisposeScope } from "../../../api/core/dispose.js";
import { runEnds } from "./ends.js";
import { runStreams } from "./streams.js";
import { runVerbs } from "./verbs.js";
import { type OpenSubject, RunWorld } from "./world.js";

/** Registers the suite; `name` says what runs where. */
export function runConformance(name: string, open: OpenSubject): void {
  describe(`run: ${name}`, () => {
    const scope = new DisposeScope();
    let world: RunWorld;

    beforeAll(async () => {
      world = new RunWorld(await open(scope));
    });
    afterAll(() => scope[Symbol.asyncDispose]());

    const current = (): RunWorld => world;
    describe("streams", () => runStreams(current));
    describe("verbs", () => runVerbs(current));
    describe("ends", () => runEnds(current));
  });
}
