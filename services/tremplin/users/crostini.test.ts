import { expect, test } from "vitest";
import { checkUserName, setUpAccounts, withoutName } from "./crostini.js";
import { formatTable, parseTable } from "./table.js";

const GROUPS = "root:x:0:\naudio:x:29:\nsudo:x:27:\nstaff:x:50:\n";
const accounts = (passwd = "") => ({
  passwd: parseTable(`root:x:0:0:root:/root:/bin/sh\n${passwd}`),
  shadow: parseTable("root:*:1:0:99999:7:::\n"),
  group: parseTable(GROUPS),
  gshadow: parseTable("root:*::\n"),
});

test("a container gets its user and those whom the host shares files with", () => {
  const made = setUpAccounts(accounts(), "jane", 20_000);
  expect(formatTable(made.passwd.slice(1))).toBe(
    "jane:x:1000:1000::/home/jane:/bin/bash\n" +
      "chronos-access:x:1001:1001::/dev/null:/bin/false\n" +
      "android-everybody:x:665357:665357::/dev/null:/bin/false\n" +
      "android-root:x:655360:655360::/dev/null:/bin/false\n",
  );
  expect(formatTable(made.group)).toBe(
    "root:x:0:\naudio:x:29:jane\nsudo:x:27:jane\nstaff:x:50:\njane:x:1000:\n" +
      "chronos-access:x:1001:jane\nandroid-everybody:x:665357:jane\nandroid-root:x:655360:\n",
  );
  expect(formatTable(made.gshadow.slice(1))).toBe(
    "jane:!::\nchronos-access:!::jane\nandroid-everybody:!::jane\nandroid-root:!::\n",
  );
  expect(setUpAccounts(made, "jane", 20_001)).toEqual(made);
});

test("who is there already keeps the name", () => {
  const made = setUpAccounts(accounts("joe+doe:x:1000:1000::/home/joe:/bin/sh\n"), "jane", 20_000);
  expect(formatTable(made.passwd)).not.toContain("jane");
  expect(formatTable(made.group)).toContain("sudo:x:27:joe+doe\n");
});

test.each(["../etc", "a,b", "android-root"])("who is there as %s is no user to work with", (name) => {
  expect(() => setUpAccounts(accounts(`${name}:x:1000:1000::/home:/bin/sh\n`), "jane", 20_000)).toThrow("user name");
});

test.each(["jane", "Jane", "j", "_j", "jane.doe", "1jane", "j-d", "x".repeat(32)])("%s is a user's name", (name) => {
  expect(() => checkUserName(name)).not.toThrow();
});

test.each([
  "",
  " ",
  ".",
  "..",
  "-jane",
  ".jane",
  "1000",
  "1.0",
  "jane doe",
  "jane\n",
  "jane\nroot:x:0:0::/:/bin/sh",
  "jane:x",
  "../jane",
  "a/b",
  "a,b",
  "jané",
  "$(id)",
  "jane\0",
  "x".repeat(33),
  "chronos-access",
  "android-everybody",
  "android-root",
])("%j is none", (name) => {
  expect(() => checkUserName(name)).toThrow("user name");
});

test.each([
  ["cannot make /home/jane: jane is root", "jane", "cannot make /home/$USERNAME: $USERNAME is root"],
  ["a name is a name", "a", "$USERNAME name is $USERNAME name"],
  ["janet and jane.doe", "jane", "janet and $USERNAME.doe"],
  ["a.b and axb", "a.b", "$USERNAME and axb"],
  ["no name", "", "no name"],
])("%s without %s", (reason, name, expected) => {
  expect(withoutName(reason, name)).toBe(expected);
});
