import { expect, test } from "vitest";
import { createDockerSpec, leaveUser } from "./docker-spec.js";

const base = { namespace: "ns", id: "c1" };

test("what is not said is the image's", () => {
  const { process } = createDockerSpec(base);
  expect(process).toMatchObject({ args: [], env: [], cwd: "" });
  expect(leaveUser({ process })).not.toHaveProperty("process.user");
});

test("what is said stays, the last entry of each variable, and a variable alone takes the image's away", () => {
  const { process } = createDockerSpec({ ...base, args: ["a"], cwd: "/w", env: ["A=1", "B", "A=2"], terminal: true });
  expect(process).toMatchObject({ args: ["a"], env: ["A=2", "B"], cwd: "/w", terminal: true });
});

test("a user that somebody set stays", () => {
  const spec = createDockerSpec(base);
  spec.process.user.gid = 5;
  expect(leaveUser(spec)).toBe(spec);
  expect(leaveUser({})).toEqual({});
});

test("a folder that is none is refused", () => {
  expect(() => createDockerSpec({ ...base, cwd: "tmp" })).toThrow('working directory "tmp" must be absolute');
});
