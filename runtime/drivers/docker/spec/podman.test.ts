// What Podman would make otherwise, and that nothing of a client's default spec is among it.
import { expect, test } from "vitest";
import { clientSpec, type JsonObject } from "../../../../test/helpers/client-specs.js";
import { dockerBody } from "../../../../test/helpers/docker-bodies.js";
import { dependsOnEngine, podmanChanges } from "./podman.js";

const CAPABILITIES = ["CAP_SYS_ADMIN"];
const ADDED: JsonObject = {
  process: { capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES } },
};

test("a default spec is the same everywhere", () => {
  expect(dependsOnEngine(dockerBody(clientSpec()))).toBe(false);
  expect(dependsOnEngine(dockerBody({ process: { args: ["x"] } }, { imageDefaults: true }))).toBe(false);
});

test.each([
  ["", false],
  ["0", false],
  ["0:5", false],
  ["root", false],
  ["5:0", true],
  ["app", true],
  ["00:0", true],
])("capabilities that are added for user %j: %s", (user, isChanged) => {
  const body = dockerBody(clientSpec("", ADDED));
  expect(dependsOnEngine(body)).toBe(true);
  expect(podmanChanges(body, user).length > 0).toBe(isChanged);
});

test.each([["maskedPaths"], ["readonlyPaths"]])("%s of one's own", (name) => {
  for (const paths of [[], ["/proc/fs"]]) {
    expect(podmanChanges(dockerBody(clientSpec("", { linux: { [name]: paths } })), "0")).toEqual([`linux.${name}`]);
  }
});
