// The filter language: cases from its description, and properties over random filters. test/interop asks the real one.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Adaptor, parseFilters, type Selector } from "./index.js";

const LABELS: Readonly<Record<string, string>> = { a: "1", "a.b": "2", "containerd.io/gc.root": "", text: "one two" };
const CONTAINER: Adaptor = ([field, ...rest]) => {
  if (field === "id") return "c1";
  const key = rest.join(".");
  return field === "labels" && Object.hasOwn(LABELS, key) ? LABELS[key] : undefined;
};

const matches = (...filters: string[]): boolean => parseFilters(filters).match(CONTAINER);

function errorOf(filter: string): string {
  try {
    parseFilters([filter]);
  } catch (error) {
    expect(error).toMatchObject({ kind: "invalid_argument" });
    return error instanceof Error ? error.message : "";
  }
  return "no error";
}

describe("matching", () => {
  test.each([
    { filter: "", want: true },
    { filter: "id==c1", want: true },
    { filter: " id == c1", want: true },
    { filter: "id==c2", want: false },
    { filter: "id!=c1", want: false },
    { filter: "id~=c", want: true },
    { filter: "id~=^1", want: false },
    { filter: "id", want: true },
    { filter: "nope", want: false },
    { filter: "nope!=x", want: true },
    { filter: 'nope!=""', want: false },
    { filter: 'nope==""', want: false },
    { filter: "nope~=^$", want: true },
    { filter: "labels.a.b==2", want: true },
    { filter: 'labels."a.b"==2', want: true },
    { filter: 'labels."containerd.io/gc.root"', want: true },
    { filter: "labels", want: false },
    { filter: 'labels.text~="one\\\\stwo"', want: true },
    { filter: "labels.text~=/one two/", want: true },
    { filter: "labels.text~=|^one|", want: true },
    { filter: "id~=(?i)^C1$", want: true },
    { filter: "id~=[", want: false },
    { filter: "id~=(?=c)", want: false },
    { filter: "id==c1,labels.a==1", want: true },
    { filter: "id==c1, labels.a==2", want: false },
    { filter: 'id=="\\x631"', want: true },
    { filter: 'id!="\\xff"', want: true },
    { filter: 'id=="\\xff"', want: false },
    { filter: 'labels."\\xff"!=x', want: true },
  ])("$filter is $want", ({ filter, want }) => {
    expect(matches(filter)).toBe(want);
  });

  test("one of several is enough; none is everything", () => {
    expect(matches()).toBe(true);
    expect(matches("id==c2", "id==c1")).toBe(true);
    expect(matches("id==c2", "id==c3")).toBe(false);
    expect(matches("id==c2", "")).toBe(true);
  });

  test("a pattern that makes backtracking engines hang is answered", () => {
    const adaptor = (): string => `${"a".repeat(5000)}b`;
    expect(parseFilters(["id~=(a+)+$"]).match(adaptor)).toBe(false);
    expect(parseFilters(["id~=(a|aa|a?){1000}$"]).match(adaptor)).toBe(true);
    expect(parseFilters([`id~=${"(".repeat(5000)}${")".repeat(5000)}`]).match(adaptor)).toBe(false);
  });
});

describe("errors", () => {
  test.each([
    { filter: "id=c1", want: '[id >|=|< c1]: unsupported operator "="' },
    { filter: "id==", want: "[id==]: expected value or quoted" },
    { filter: "id==c1 ", want: "[id==c1 >| |< ]: unexpected input:  " },
    { filter: "id x", want: '[id  >|x|< ]: expected an operator ("=="|"!="|"~=")' },
    { filter: "id==c1,", want: "[id==c1,]: expected field or quoted" },
    { filter: "é==1", want: "[ >|\ufffd|< \ufffd==1]: expected field or quoted" },
    { filter: 'id=="\\q"', want: '[id== >|"|< \\q"]: illegal escape sequence' },
    { filter: 'id=="x', want: '[id== >|"|< x]: quoted literal not terminated' },
    { filter: "id==/x/", want: "[id== >|/|< x/]: invalid quote encountered" },
    { filter: 'id=="\\u12"', want: '[id== >|"|< \\u12"]: illegal numeric escape sequence' },
    { filter: 'id=="\\400"', want: '[id== >|"|< \\400"]: unquoting failed: quote syntax error' },
    { filter: "id==\0", want: "[id== >|\0|< ]: unexpected null" },
    { filter: "id==\ud800", want: "[id== >|\ufffd|< \ufffd\ufffd]: rune error" },
  ])("$filter", ({ filter, want }) => {
    expect(errorOf(filter)).toBe(`filters: parse error: ${want}: invalid argument`);
  });
});

test.each([
  ["too much text", ["id==a", `id==${"a".repeat(64 * 1024)}`]],
  ["too many of them", Array.from({ length: 10_000 }, () => "id==abc")],
  ["too many repeats", Array.from({ length: 100 }, () => "id~=/(a|b|c){1000}/")],
  ["repeats inside repeats", Array.from({ length: 100 }, () => "id~=/((a|b|c){32}){31}/")],
  ["large classes repeated", ["id~=/\\\\pL{1000}/"]],
  ["wide ranges without regard to case", [`id~=/(?i)${"[ -\uffdc]".repeat(50)}/`]],
])("what would take seconds to read is refused: %s", (_, filters) => {
  expect(() => parseFilters(filters)).toThrow(
    expect.objectContaining({ kind: "invalid_argument", message: expect.not.stringContaining("parse error") }),
  );
});

test("what people write is not refused", () => {
  const digest = "labels.digest~=|(?i)^sha256:[a-f0-9]{64}$|";
  const name = "id~=|^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$|";
  expect(matches(digest, name)).toBe(true);
  expect(matches(...Array.from({ length: 1000 }, (_, at) => `labels."nerdctl/name"==name-${at}`), "id")).toBe(true);
});

describe("the parsed tree", () => {
  test("holds what the text says", () => {
    expect(parseFilters(['id==c1,labels."a/b"~=/x\\/y/', "name"]).selectors).toEqual([
      [
        { path: ["id"], operator: "==", value: "c1" },
        { path: ["labels", "a/b"], operator: "~=", value: "x/y" },
      ],
      [{ path: ["name"], operator: "present", value: "" }],
    ]);
  });

  test("everything is one empty alternative", () => {
    expect(parseFilters([]).selectors).toEqual([[]]);
    expect(parseFilters([""]).selectors).toEqual([[]]);
  });

  test("what the text alone decides", () => {
    expect(
      parseFilters(['id=="\\xff",id!="\\xff",id~=[,"\\xff"!=x,"\\xff"']).selectors[0]?.map(({ operator }) => operator),
    ).toEqual(["never", "always", "never", "always", "never"]);
  });
});

/** Any text, with much of what means something to the grammar. NUL and U+FFFD cannot be written in a filter. */
const text = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(...'ab.,=!~"/|\\ \n\té日😀\u0001\u00a0'),
      fc.string({ unit: "grapheme", maxLength: 1 }),
    ),
  })
  .map((value) => value.replaceAll(/[\0\ufffd]/g, "x"));

const selector: fc.Arbitrary<Selector> = fc
  .record({
    path: fc.array(text, { minLength: 1, maxLength: 3 }),
    operator: fc.constantFrom("present", "==", "!="),
    value: text,
  })
  .map((made) => (made.operator === "present" ? { ...made, value: "" } : made));

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

/** A text as the grammar writes it: bare where it may be, else quoted, with escapes of the kind that `style` picks. */
function print(value: string, style: number, isField: boolean): string {
  if (style % 4 === 0 && (isField ? /^[A-Za-z0-9_]+$/ : /^[A-Za-z0-9_][A-Za-z0-9_.=!~/"|-]*$/).test(value))
    return value;
  const escaped = Array.from(value, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (style % 4 === 1) return `\\U${code.toString(16).padStart(8, "0")}`;
    if (style % 4 === 2)
      return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
    if (style % 4 === 3 && code < 0x80) return `\\${code.toString(8).padStart(3, "0")}`;
    return ESCAPES[character] ?? character;
  });
  return `"${escaped.join("")}"`;
}

function printSelector({ path, operator, value }: Selector, style: number): string {
  const blank = style % 3 === 0 ? " " : "";
  const field = path.map((piece, index) => print(piece, style + index, true)).join(`.${blank}`);
  return operator === "present"
    ? `${blank}${field}`
    : `${blank}${field}${blank}${operator}${blank}${print(value, style, false)}`;
}

test("what is printed is read back", () => {
  fc.assert(
    fc.property(fc.array(selector, { minLength: 1, maxLength: 4 }), fc.nat(11), (all, style) => {
      const printed = all.map((one, index) => printSelector(one, style + index)).join(",");
      expect(parseFilters([printed]).selectors).toEqual([all]);
    }),
    { numRuns: 1000 },
  );
});

test("matching is what a naive evaluator says", () => {
  const word = fc.constantFrom("", "a", "b", "ab", "a.b");
  const operator = fc.constantFrom<Selector["operator"]>("present", "==", "!=", "~=");
  const simple = fc.record({
    path: fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 2 }),
    operator,
    value: word,
  });
  const fields = fc.dictionary(fc.constantFrom("a", "b", "a.b", "b.a", "a.a"), word);
  fc.assert(
    fc.property(
      fc.array(fc.array(simple, { minLength: 1, maxLength: 3 }), { maxLength: 3 }),
      fields,
      (filters, object) => {
        const naive = (one: Selector): boolean => {
          const value = object[one.path.join(".")];
          if (one.operator === "present") return value !== undefined;
          if (one.operator === "==") return value === one.value;
          return one.operator === "!=" ? (value ?? "") !== one.value : new RegExp(one.value).test(value ?? "");
        };
        const printed = filters.map((all) => all.map((one) => printSelector(one, 0)).join(","));
        const adaptor: Adaptor = (path) => object[path.join(".")];
        const want = filters.length === 0 || filters.some((all) => all.every(naive));
        expect(parseFilters(printed).match(adaptor)).toBe(want);
      },
    ),
    { numRuns: 2000 },
  );
});

test("any text is a filter or a bad one, never anything else", () => {
  fc.assert(
    fc.property(text, (filter) => {
      const message = errorOf(filter);
      expect(message).toMatch(/^(no error$|filters: parse error: \[)/);
    }),
    { numRuns: 3000 },
  );
});
