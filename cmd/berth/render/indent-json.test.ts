import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compactJson, indentJson } from "./indent-json.js";

test("every token stays as it is", () => {
  expect(indentJson('{"a":9223372036854775807,"b":[],"c":{},"d":[1.0,"x, {y}\\""]}')).toBe(
    `{
  "a": 9223372036854775807,
  "b": [],
  "c": {},
  "d": [
    1.0,
    "x, {y}\\""
  ]
}
`,
  );
  expect(compactJson('{ "a" : 9223372036854775807 ,\n"b c": [ true ] }')).toBe(
    '{"a":9223372036854775807,"b c":[true]}',
  );
});

test("any document is laid out as JSON.stringify does, and back", () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const text = JSON.stringify(value);
      expect(indentJson(text)).toBe(`${JSON.stringify(JSON.parse(text), null, 2)}\n`);
      expect(compactJson(indentJson(text))).toBe(text);
    }),
  );
});

test("what is no JSON is refused", () => {
  expect(() => indentJson("{")).toThrow(SyntaxError);
});
