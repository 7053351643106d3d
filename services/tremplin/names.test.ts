// Which names callers may give.
import { expect, test } from "vitest";
import { checkContainerName } from "./names.js";

test.each(["penguin", "p", "my-box2", "A", `a${"b".repeat(62)}`])("%j is a name", (name) => {
  expect(() => checkContainerName(name)).not.toThrow();
});

test.each(["", "1a", "-a", "a-", "a_b", "a.b", "a/b", "..", "a b", "a\n", `a${"b".repeat(63)}`])(
  "%j is none",
  (name) => {
    expect(() => checkContainerName(name)).toThrow(/^bad container name /);
  },
);

test.each(["crostini-inprogress-create", "rootfs-import", "penguin-crostini-remap", "penguin-crostini-recover"])(
  "%s is the service's own",
  (name) => {
    expect(() => checkContainerName(name)).toThrow(/kept for the service itself/);
  },
);
