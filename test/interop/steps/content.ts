// Blobs: taken in, listed, read, labelled, edited, removed, and what is refused. Each gets a label that makes it a root: any
// removal may set off the collector.
import { createHash } from "node:crypto";
import { command, type Step, story } from "../step.js";

const digestOf = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;

const SMALL = "hello\n";
const LARGE = "0123456789abcdef".repeat(200_000);
const NONE = digestOf("nobody has this");

/** Labels in the last column, which `ctr` prints in the random order of a Go map. */
const sortLastColumn = (text: string): string => text.replace(/\S+$/gm, (labels) => labels.split(",").sort().join(","));

/** How long ago something happened, and the width of the columns. */
const maskAges = (text: string): string =>
  sortLastColumn(
    text.replace(/Less than a second|About a minute|\d+ (second|minute)s?/g, "AGE").replace(/[ \t]+/g, " "),
  );

/** Likewise, and lines in order: containerd lists ingests as its file system does. */
const maskActive = (text: string): string => maskAges(text).split("\n").sort().join("\n");

/** Takes `text` in from stdin. */
const ingest = (text: string, ...args: string[]): Step =>
  story(["content ingest", ...args, `of ${text.length} bytes`].join(" "), ({ cli }) =>
    cli.run(["content", "ingest", ...args], { input: text }),
  );

const root = (text: string): Step => command(["content", "label", digestOf(text), "containerd.io/gc.root=1"]);

/** The collector's first run comes soon after the start; behind this one there is none until something is removed. */
const collect = story("leases create and rm --sync", async ({ cli }) => {
  await cli.run(["leases", "create", "--id", "collect"]);
  return await cli.run(["leases", "rm", "--sync", "collect"]);
});

export const content: readonly Step[] = [
  collect,
  command(["content", "ls"], maskAges),
  command(["content", "active"], maskActive),
  ingest(SMALL, "small"),
  root(SMALL),
  ingest(LARGE, "--expected-digest", digestOf(LARGE), "--expected-size", `${LARGE.length}`, "large"),
  root(LARGE),
  ingest("", "empty"),
  root(""),
  ingest(SMALL, "again"),
  ingest(SMALL, "--expected-digest", digestOf(SMALL), "again"),
  ingest(SMALL, "--expected-digest", NONE, "wrong-digest"),
  ingest(SMALL, "--expected-size", "3", "wrong-size"),
  ingest(SMALL, "--expected-digest", "nonsense", "no-digest"),
  ingest(SMALL),
  command(["content", "active"], maskActive),
  command(["content", "active", "ref==wrong-size"], maskAges),
  command(["content", "ls"], maskAges),
  command(["content", "ls", "-q"]),
  command(["content", "ls", `digest==${digestOf(SMALL)}`], maskAges),
  command(["content", "ls", "-q", 'labels."containerd.io/gc.root"==1']),
  command(["content", "ls", "size>1"]),
  command(["content", "get", digestOf(SMALL)]),
  command(["content", "get", digestOf("")]),
  story("content get of a large one", async ({ cli }) => {
    const result = await cli.run(["content", "get", digestOf(LARGE)]);
    return { ...result, stdout: digestOf(result.stdout) };
  }),
  command(["content", "get", NONE]),
  command(["content", "get", "nonsense"]),
  command(["content", "label", digestOf(SMALL), "a=1", "my/key=b=c"], sortLastColumn),
  command(["content", "label", digestOf(SMALL), "a="], sortLastColumn),
  command(["content", "label", NONE, "a=1"]),
  command(["content", "label", digestOf(SMALL), `big=${"v".repeat(4096)}`], (text) =>
    // 1.6 words the size otherwise, and cuts the key shorter.
    text.replace(/label key and value.* greater/, "label greater").replace(/, key: .*?: invalid/, ": invalid"),
  ),
  command(["content", "ls", `digest==${digestOf(SMALL)}`], maskAges),
  command(["content", "rm", NONE]),
  command(["content", "rm", digestOf(SMALL), digestOf("")]),
  command(["content", "get", digestOf(SMALL)]),
  command(["content", "ls", "-q"]),
];
