import { expect, test } from "vitest";
import { parseChallenges } from "./challenge.js";

test.each<[string, ReturnType<typeof parseChallenges>]>([
  ["", []],
  ["Basic", [{ scheme: "basic", parameters: {} }]],
  ['Basic realm="a, b"', [{ scheme: "basic", parameters: { realm: "a, b" } }]],
  [
    'Bearer realm="https://t/x?y=z",service=s,Scope="repository:a:pull repository:b:pull"',
    [
      {
        scheme: "bearer",
        parameters: { realm: "https://t/x?y=z", service: "s", scope: "repository:a:pull repository:b:pull" },
      },
    ],
  ],
  ['Basic realm="\\"q\\""', [{ scheme: "basic", parameters: { realm: '"q"' } }]],
  [
    'Negotiate, Bearer realm="r" , Basic realm="b"',
    [
      { scheme: "negotiate", parameters: {} },
      { scheme: "bearer", parameters: { realm: "r" } },
      { scheme: "basic", parameters: { realm: "b" } },
    ],
  ],
  [
    'Bearer realm = "r" , error = "invalid_token"',
    [{ scheme: "bearer", parameters: { realm: "r", error: "invalid_token" } }],
  ],
])("%s", (header, want) => {
  expect(parseChallenges(header)).toEqual(want);
});

test.each(['"', "=".repeat(50_000), `Basic ${"a=b,".repeat(20_000)}`, `Basic a="${"\\".repeat(50_001)}`])(
  "what nobody can read does not keep anybody busy (%#)",
  (text) => {
    expect(parseChallenges(text).length).toBeLessThan(2);
  },
);

test("a parameter named as what objects inherit is only a parameter", () => {
  expect(Object.keys(parseChallenges("Basic __proto__=x")[0]?.parameters ?? {})).toEqual(["__proto__"]);
});
