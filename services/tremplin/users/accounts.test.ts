import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Accounts, ensureMember, ensureUser, findGroup, findUser } from "./accounts.js";
import { formatTable, parseTable } from "./table.js";

const TODAY = 20_000;

interface Files {
  readonly passwd?: string;
  readonly shadow?: string;
  readonly group?: string;
  readonly gshadow?: string;
}

const ROOT: Required<Files> = {
  passwd: "root:x:0:0:root:/root:/bin/sh\n",
  shadow: "root:*:1:0:99999:7:::\n",
  group: "root:x:0:\n",
  gshadow: "root:*::\n",
};

const accountsOf = (more: Files = {}): Accounts => ({
  passwd: parseTable(ROOT.passwd + (more.passwd ?? "")),
  shadow: parseTable(ROOT.shadow + (more.shadow ?? "")),
  group: parseTable(ROOT.group + (more.group ?? "")),
  gshadow: parseTable(ROOT.gshadow + (more.gshadow ?? "")),
});

/** What there is beside root. */
function textOf(accounts: Accounts): Files {
  const added = (file: keyof Accounts): Files => {
    const text = formatTable(accounts[file]);
    expect(text.startsWith(ROOT[file])).toBe(true);
    return text === ROOT[file] ? {} : { [file]: text.slice(ROOT[file].length) };
  };
  return { ...added("passwd"), ...added("shadow"), ...added("group"), ...added("gshadow") };
}

const JANE = { name: "jane", id: 1000, canLogIn: true };
const WHOLE: Files = {
  passwd: "jane:x:1000:1000::/home/jane:/bin/bash\n",
  shadow: "jane:!:20000:0:99999:7:::\n",
  group: "jane:x:1000:\n",
  gshadow: "jane:!::\n",
};

describe("a user", () => {
  test.each<[string, Files, Files]>([
    ["that is not there is made", {}, WHOLE],
    [
      "that is there stays as it is",
      { ...WHOLE, passwd: "jane:x:1000:7:J:/h:/bin/sh\n" },
      { ...WHOLE, passwd: "jane:x:1000:7:J:/h:/bin/sh\n" },
    ],
    [
      "with its password keeps it",
      { ...WHOLE, shadow: "jane:$y$x:1:0:9:7:::\n" },
      { ...WHOLE, shadow: "jane:$y$x:1:0:9:7:::\n" },
    ],
    ["without shadows gets them", { passwd: WHOLE.passwd ?? "", group: WHOLE.group ?? "" }, WHOLE],
    [
      "takes the number of another one",
      { passwd: "joe:x:1000:1000::/home/joe:/bin/sh\n", shadow: "joe:!:1:0:9:7:::\n" },
      WHOLE,
    ],
    [
      "takes the name of another one",
      { passwd: "jane:x:7:7::/h:/bin/sh\n", shadow: "jane:secret:1:0:9:7:::\n" },
      WHOLE,
    ],
    [
      "takes the place of two at once",
      {
        passwd: "jane:x:7:7::/h:/s\njoe:x:1000:1000::/h:/s\n",
        group: "jane:x:7:\njoe:x:1000:\n",
        gshadow: "jane:!::\njoe:!::\n",
      },
      WHOLE,
    ],
    [
      "takes the group of another one, and its members with it",
      { group: "jane:x:7:joe\nstaff:x:1000:joe\n", gshadow: "jane:!::joe\nstaff:!::joe\n" },
      WHOLE,
    ],
    [
      "inherits nothing of a namesake",
      { passwd: "jane:x:7:7::/h:/s\n", group: "adm:x:4:joe,jane,jim\n", gshadow: "adm:*::jane\n" },
      {
        ...WHOLE,
        group: `adm:x:4:joe,jim\n${WHOLE.group}`,
        gshadow: `adm:*::\n${WHOLE.gshadow}`,
      },
    ],
    [
      "leaves lines alone that are none",
      { passwd: "+::::::\n# jane:1000\n\n", group: "jane\n" },
      {
        ...WHOLE,
        passwd: `+::::::\n# jane:1000\n\n${WHOLE.passwd}`,
        group: "jane\n",
      },
    ],
    [
      "leaves lines alone that are none, whoever they name",
      { passwd: "jane:x:7:7::/h:/s\n", group: "adm:x:4:jane:more\n", gshadow: "adm:*::jane:more\n" },
      { ...WHOLE, group: `adm:x:4:jane:more\n${WHOLE.group}`, gshadow: `adm:*::jane:more\n${WHOLE.gshadow}` },
    ],
  ])("%s", (_, files, expected) => {
    expect(textOf(ensureUser(accountsOf(files), JANE, TODAY))).toEqual(expected);
  });

  test("that nobody works as has neither home nor shell", () => {
    const made = ensureUser(accountsOf(), { name: "android-root", id: 655_360, canLogIn: false }, TODAY);
    expect(textOf(made).passwd).toBe("android-root:x:655360:655360::/dev/null:/bin/false\n");
  });

  test.each([
    ["root's name", { ...JANE, name: "root" }, {}],
    ["another name of root", { ...JANE, name: "toor" }, { passwd: "toor:x:0:0::/root:/bin/sh\n" }],
    ["the name of root's group", { ...JANE, name: "wheel" }, { group: "wheel:x:0:\n" }],
  ])("never takes %s", (_, user, files) => {
    expect(() => ensureUser(accountsOf(files), user, TODAY)).toThrow(`${user.name} has number 0`);
  });

  test("is found by its number", () => {
    const accounts = accountsOf(WHOLE);
    expect(findUser(accounts, 1000)).toEqual({ name: "jane", uid: 1000, gid: 1000, home: "/home/jane" });
    expect(findUser(accounts, 1001)).toBeUndefined();
    expect(findUser(accountsOf({ passwd: "jane:x:1000:1000::/home/jane\n" }), 1000)).toBeUndefined();
  });
});

describe("a member", () => {
  test.each<[string, Files, Files]>([
    [
      "of a group that is there is added",
      { group: "sudo:x:27:\n", gshadow: "sudo:*::\n" },
      { group: "sudo:x:27:jane\n", gshadow: "sudo:*::jane\n" },
    ],
    ["is added to others", { group: "sudo:x:27:a,b\n" }, { group: "sudo:x:27:a,b,jane\n" }],
    ["is in it once", { group: "sudo:x:27:jane,a\n" }, { group: "sudo:x:27:jane,a\n" }],
    ["of no group is none", { group: "sudoers:x:27:\n" }, { group: "sudoers:x:27:\n" }],
  ])("%s", (_, files, expected) => {
    expect(textOf(ensureMember(accountsOf(files), "sudo", "jane"))).toEqual(expected);
  });
});

test("a group is found by its name", () => {
  expect(findGroup(accountsOf({ group: "shadow:x:42:\n" }), "shadow")).toEqual({ name: "shadow", gid: 42 });
  expect(findGroup(accountsOf(), "shadow")).toBeUndefined();
});

test("whatever the files hold, a user is there afterwards, and a second time changes nothing", () => {
  const word = fc.constantFrom("", "jane", "joe", "x", "1000", "7", "sudo", "a,jane");
  const line = fc.array(word, { minLength: 1, maxLength: 8 }).map((fields) => `${fields.join(":")}\n`);
  const text = fc.array(line, { maxLength: 6 }).map((lines) => lines.join(""));
  fc.assert(
    fc.property(text, text, text, text, (passwd, shadow, group, gshadow) => {
      const once = ensureUser(accountsOf({ passwd, shadow, group, gshadow }), JANE, TODAY);
      expect(ensureUser(once, JANE, TODAY + 1)).toEqual(once);
      expect(once.shadow.some(([name]) => name === "jane")).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("a table is written as it was read", () => {
  const lines = fc.array(fc.string().map((line) => line.replaceAll("\n", " ")));
  fc.assert(
    fc.property(lines, (all) => {
      const text = all.map((line) => `${line}\n`).join("");
      expect(formatTable(parseTable(text))).toBe(text);
    }),
  );
  expect(formatTable(parseTable("root:x:0"))).toBe("root:x:0\n");
});
