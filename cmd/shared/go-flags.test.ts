import { expect, test } from "vitest";
import { type FlagShape, goFlags } from "./go-flags.js";

const FLAGS: readonly FlagShape[] = [
  { long: "--rm", takesValue: false },
  { long: "--no-pivot", takesValue: false },
  { short: "-d", long: "--detach", takesValue: false },
  { short: "-t", long: "--tty", takesValue: false },
  { long: "--env", takesValue: true },
  { long: "--cwd", takesValue: true },
  { short: "-c", long: "--config", takesValue: true },
  { short: "-n", long: "--namespace", takesValue: true },
];

test.each<{ readonly name: string; readonly given: string; readonly want: string }>([
  { name: "nothing", given: "", want: "" },
  { name: "what commander knows stays", given: "--rm -d -t -dt --env A=b -c f", want: "--rm -d -t -dt --env A=b -c f" },
  { name: "one dash before a long name", given: "-rm -env A=b", want: "--rm --env A=b" },
  { name: "a long name that begins like a short one", given: "-cwd /tmp", want: "--cwd /tmp" },
  { name: "a value behind =", given: "--env=A=b -env=C=d -n=moby --cwd=", want: "--env A=b --env C=d -n moby --cwd ␀" },
  { name: "a switch that is on", given: "--rm=true -t=1 -detach=T", want: "--rm -t --detach" },
  { name: "a switch that is off", given: "--rm=false -t=0 -detach=F --no-pivot=False", want: "" },
  { name: "the last word counts", given: "--rm -d --rm=false -detach=false -d", want: "-d" },
  { name: "a value that looks like a flag", given: "--env --rm=false -rm", want: "--env --rm=false --rm" },
  { name: "a value that is missing", given: "-env", want: "--env" },
  { name: "unknown flags are left to commander", given: "-what --who=me -x=1 -", want: "-what --who=me -x=1 -" },
  { name: "nothing behind --", given: "-rm -- -rm", want: "--rm -- -rm" },
])("$name", ({ given, want }) => {
  const words = (text: string): string[] => text.split(" ").filter((word) => word !== "");
  expect(goFlags(words(given), FLAGS, false)).toEqual(words(want).map((word) => (word === "␀" ? "" : word)));
});

test("flags behind an argument are rewritten unless they belong to a program", () => {
  expect(goFlags(["web", "-rm"], FLAGS, false)).toEqual(["web", "--rm"]);
  expect(goFlags(["-rm", "web", "-rm", "--tty=false"], FLAGS, true)).toEqual(["--rm", "web", "-rm", "--tty=false"]);
});

test("a switch with another value is refused", () => {
  expect(() => goFlags(["--rm=perhaps"], FLAGS, true)).toThrow(
    '--rm is on or off: "perhaps" is neither true nor false',
  );
});
