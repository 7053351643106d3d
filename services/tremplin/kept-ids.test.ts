// Which users containers may share with a host, by its files.
import { expect, test } from "vitest";
import { mayKeep } from "./kept-ids.js";

const DEBIAN = "_lxd:100000:10000001\nroot:100000:10000001\n";
const CHROMEOS = "root:1000000:1000000000\nroot:1000:1\nroot:655360:1\n";
const BY_NUMBER = "root:1000000:1000000000\n0:1000:2\n";

test.each([
  [DEBIAN, 1000, false, "newuidmap does not know it"],
  [DEBIAN, 655_360, false, "LXD gives it to its containers"],
  [CHROMEOS, 1000, true, "a line of its own"],
  [CHROMEOS, 1001, false, "the line is for one user"],
  [CHROMEOS, 655_360, true, "beside LXD's range"],
  [BY_NUMBER, 1001, true, "root by its number"],
  ["", 1000, false, "nobody has anything"],
  ["other:1000:1\n", 1000, false, "somebody else's"],
])("%j: %i: %s, as %s", (text, id, kept) => {
  expect(mayKeep(text, id)).toBe(kept);
});
