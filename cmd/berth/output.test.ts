// Picked fields, quiet, and colours: what each format makes of the same records.
import { describe, expect, test } from "vitest";
import { closest } from "./did-you-mean.js";
import { type Format, type Listing, Output, type OutputOptions } from "./output.js";
import { createColour, stateColour } from "./render/colour.js";

interface Thing {
  readonly id: string;
  readonly state: string;
}

const listing: Listing<Thing> = {
  id: ({ id }) => id,
  columns: [
    { title: "THING", text: ({ id }) => id },
    { title: "STATE", text: ({ state }) => state, colour: ({ state }) => stateColour(state) },
  ],
  fields: ["exit"],
  json: ({ id, state }) => ({
    id,
    state,
    labels: { team: "blue", "a.b/c": "x" },
    pids: [1, 2],
    ...(state === "stopped" ? { exit: 3 } : {}),
  }),
};
const things = [
  { id: "web", state: "running" },
  { id: "db", state: "stopped" },
];

function printed(
  options: Partial<OutputOptions> & { readonly format: Format },
  records: readonly Thing[] = things,
): string {
  let text = "";
  new Output(options, (piece) => {
    text += piece;
  }).list(records, listing);
  return text;
}

describe("--fields", () => {
  const fields = ["state", "labels.team", "exit"];

  test("are the columns of a table, under their names", () => {
    expect(printed({ format: "table", fields })).toBe(
      "STATE      LABELS.TEAM    EXIT\nrunning    blue           -\nstopped    blue           3\n",
    );
    expect(printed({ format: "wide", fields: ["id", "pids", "labels"] })).toBe(
      "ID     PIDS    LABELS\nweb    1,2     team=blue,a.b/c=x\ndb     1,2     team=blue,a.b/c=x\n",
    );
  });

  test("are all that JSON has, null where a record lacks one", () => {
    expect(JSON.parse(printed({ format: "json", fields }))).toEqual([
      { state: "running", "labels.team": "blue", exit: null },
      { state: "stopped", "labels.team": "blue", exit: 3 },
    ]);
    expect(printed({ format: "jsonl", fields: ["id"] })).toBe('{"id":"web"}\n{"id":"db"}\n');
  });

  test("reach members whose names have dots, and do not mind case", () => {
    expect(printed({ format: "jsonl", fields: ["ID", "labels.a.b/c"] }, things.slice(0, 1))).toBe(
      '{"ID":"web","labels.a.b/c":"x"}\n',
    );
  });

  test("that are known to be there sometimes are no mistake", () => {
    expect(printed({ format: "jsonl", fields: ["exit"] }, things.slice(0, 1))).toBe('{"exit":null}\n');
    expect(printed({ format: "jsonl", fields: ["exit"] }, [])).toBe("");
  });

  test("that no record has are refused, with those that there are", () => {
    let mistake: unknown;
    try {
      printed({ format: "json", fields: ["stat"] });
    } catch (error) {
      mistake = error;
    }
    expect(mistake).toMatchObject({
      kind: "invalid_argument",
      message: expect.stringContaining('unknown field "stat": there are id, state, labels, pids, exit'),
      hint: "did you mean state?",
    });
  });

  test("pick from a document, too", () => {
    const document = new Map<string, unknown>([
      ["Name", "web"],
      ["Spec", { args: ["sh"] }],
    ]);
    const show = (format: Format, picked: readonly string[]): string => {
      let text = "";
      new Output({ format, fields: picked }, (piece) => {
        text += piece;
      }).document(document);
      return text;
    };
    expect(show("table", ["name", "spec.args"])).toBe("NAME    SPEC.ARGS\nweb     sh\n");
    expect(show("jsonl", ["spec"])).toBe('{"spec":{"args":["sh"]}}\n');
  });
});

test("records that come one by one are lines, also with fields picked", () => {
  const show = (options: OutputOptions): string => {
    let text = "";
    const output = new Output(options, (piece) => {
      text += piece;
    });
    for (const thing of things) {
      output.record(
        () => thing,
        () => `${thing.id} is ${thing.state}`,
      );
    }
    return text;
  };
  expect(show({ format: "table" })).toBe("web is running\ndb is stopped\n");
  expect(show({ format: "json" })).toBe('{"id":"web","state":"running"}\n{"id":"db","state":"stopped"}\n');
  expect(show({ format: "table", fields: ["state", "id"] })).toBe("running\tweb\nstopped\tdb\n");
  expect(show({ format: "jsonl", fields: ["state"] })).toBe('{"state":"running"}\n{"state":"stopped"}\n');
});

test("quiet is ids alone, in every format", () => {
  for (const format of ["table", "wide", "json", "jsonl"] as const) {
    expect(printed({ format, quiet: true })).toBe("web\ndb\n");
  }
});

test("colour changes nothing but the colour", () => {
  const bare = printed({ format: "table", colour: "never" });
  const coloured = printed({ format: "table", colour: "always" });
  expect(coloured).toContain("\u001b[1mTHING\u001b[22m");
  expect(coloured).toContain("\u001b[32mrunning\u001b[39m");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
  expect(coloured.replaceAll(/\u001b\[\d+m/g, "")).toBe(bare);
  expect(printed({ format: "table" })).toBe(bare);
});

test.each([
  [{ isTTY: true }, {}, true],
  [{ isTTY: false }, {}, false],
  [{ isTTY: true }, { NO_COLOR: "1" }, false],
  [{ isTTY: true }, { NO_COLOR: "" }, true],
  [{ isTTY: true }, { TERM: "dumb" }, false],
])("a stream %j with %j has colours: %s", (stream, env, isOn) => {
  expect(createColour(stream, "auto", { TERM: "xterm", ...env }).red("x") !== "x").toBe(isOn);
  expect(createColour(stream, "never", env).red("x")).toBe("x");
  expect(createColour(stream, "always", env).red("x")).not.toBe("x");
});

test.each([
  ["contaners", ["containers", "content"], "containers"],
  ["tsaks", ["tasks", "tree"], "tasks"],
  ["web1", ["web2", "db"], "web2"],
  ["x", ["ls", "rm"], undefined],
  ["ls", ["ps", "rm"], "ps"],
  ["banana", ["containers"], undefined],
  ["same", ["same"], undefined],
])("%s among %j probably means %s", (word, names, meant) => expect(closest(word, names)).toBe(meant));
