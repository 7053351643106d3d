// The filter language against the real containerd: the texts of errors, what matches which container, which events a subscriber
// gets. Where the two differ, ours is wrong.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { ContainerdError, invalidArgument } from "../../api/core/errors.js";
import { type Adaptor, parseFilters } from "../../api/core/filters/index.js";
import { startContainerd } from "../helpers/containerd.js";
import { call, headers, type RawClients, rawClients } from "../helpers/grpc.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";

const lacking = requires.containerd();

interface Subject {
  readonly id: string;
  readonly image: string;
  readonly runtime: string;
  readonly labels: Readonly<Record<string, string>>;
}

const SUBJECTS: readonly Subject[] = [
  { id: "c1", image: "docker.io/library/alpine:3", runtime: "io.containerd.runc.v2", labels: { a: "1", "a.b": "2" } },
  { id: "c2", image: "", runtime: "io.containerd.runc.v2", labels: { "x/y": "z", "with blank": "a b", quote: 'q"q' } },
  { id: "C3", image: "Alpine", runtime: "other", labels: { a: "é", utf: "日本" } },
  { id: "d.4", image: "a=b", runtime: "r", labels: { lines: "one\ntwo", a: "10" } },
];

/** Texts that are no filter, and neighbours of theirs that are. */
const SYNTAX = [
  ...["", "id", "id=", "id=c1", "id===c1", "id!c1", "id=~x", "id!=", "id==", "id~=", "id== ", "id=='c1'x", "id==c1 "],
  ...[
    "id==c1 x",
    "id==c1\u00a0",
    "id==\u00a0c1",
    "id==c1,",
    "id==c1,,id==c2",
    ",",
    ",,",
    "id ,",
    "id, ",
    "id,",
    "id x",
  ],
  ...[
    "id x==1",
    ".id",
    ".",
    "id.",
    "id..x",
    "id .x",
    "id. x",
    "id==.x",
    "id==,",
    "id===",
    "id==!x",
    "id==~x",
    "id==/x/",
  ],
  ...[
    "id==|x|",
    'id=="x',
    'id=="x\\q"',
    'id=="x\\',
    'id=="x\n"',
    'id=="\\u12"',
    'id=="\\xg0"',
    'id=="\\8"',
    'id=="\\08"',
  ],
  ...['id=="\\400"', 'id=="\\777"', 'id=="\\uD800"', 'id=="\\U00110000"', 'id=="\\/"', "id~=/\\//", "id~=/\\d/"],
  ...["id~=|\\||", "id~=/x", "id~=|x", "id~=/x/y", 'id=="x"y', 'id=="x" ', 'id=="x".y', '"id"==c1', "/id/==c1", "|id|"],
  ...['"id', '"\\q"', '"i\\x64"==c1', "é", "é==x", "id==é", "idé==x", "id.é", "id==x,é", 'labels."é"==x', "id==\u0001"],
  ...["id==a\u0001b", "id==\0", "id==a\0", "\0", "id\0", "id==\ufffd", "id==a\ufffd", '"\ufffd"==x', 'id=="a\0"'],
  ...[
    "id==\u200b",
    "id==a\u200b",
    "id==a\u2028b",
    "id==a\ufeffb",
    "\ufeffid==a",
    "id==a\u0085b",
    "id == c1",
    " id==c1",
  ],
  ...[" ", "  ", "\t", "id\t==\tc1", "\nid", "1==2", "_", "-", "id-x", "labels.a-b", "labels.a/b==c", "id==-", "id==$"],
  ...["id==c1,id==é x", "x==y,日本", "日本", "id 日本", "id==(", 'id==a"b"', "id==a|b", "id==a==b", "id~=(", "id~=["],
  ...["!", "!id", "=", "==", "~", "id!~x", "id=!x", 'id!=="x"', 'id=="\\a\\b\\f\\n\\r\\t\\v\\\\\\""', 'id=="\'"'],
  ...['id=="\\\'"', 'id~=/"/', 'id~=/a\\"/', "id~=|a/b|", "a . b", "id==c1 , id==c2", "id==c1, id==c2", "id==c1;x"],
  ...[
    'id=="\\x"',
    'id=="\\x1"',
    'id=="\\1"',
    'id=="\\q',
    'id=="\\q\n"',
    'id=="\\\n"',
    'id=="\\é"',
    "id==x\\y",
    "id==\\",
  ],
  ...["id==a\tb", 'id=="a\tb"', '""', '""==x', 'id==""', "id~=//", "id==//", 'id==""""', "'id'==x", "id==😀", "😀"],
  ...[
    'id=="😀',
    "id==\ue000",
    "id==a\ue000",
    "id==a\u00ad",
    "id==a\u0378b",
    "id~=x y",
    "id==c1\r",
    "id==c1\n",
    "id\n==c1",
  ],
  ...["id==c1\u3000", "id\u3000==c1", "id==c1\u200a", "id==c1\u180e", "id==\u180ex"],
];

/** Well-formed filters, to be asked of the subjects. */
const MEANING = [
  ...[
    "id==c1",
    "id!=c1",
    "id~=c",
    "id~=^c1$",
    "id",
    "image",
    "image==",
    "image!=x",
    'image==""',
    'image!=""',
    "id.more==c1",
  ],
  ...[
    "runtime.name==other",
    "runtime",
    "runtime.name.x~=runc",
    "labels",
    "labels.a",
    "labels.a.b",
    'labels."a.b"',
    "labels.a==1",
  ],
  ...[
    'labels."x/y"==z',
    'labels."with blank"=="a b"',
    'labels."with blank"~="a b"',
    'labels.quote=="q\\"q"',
    "labels.nope",
  ],
  ...[
    "labels.nope!=x",
    'labels.nope!=""',
    "labels.nope~=^$",
    "labels.nope~=.",
    'labels.nope==""',
    "labels.a~=^1",
    "labels.a!=1",
  ],
  ...[
    'labels.a=="\\u00e9"',
    'labels.a=="\\xc3\\xa9"',
    'labels.a=="\\303\\251"',
    'labels.a!="\\xff"',
    'labels.a=="\\xff"',
  ],
  ...[
    'labels.a~="\\xff"',
    'labels."\\xff"',
    'labels."\\xff"!=x',
    'labels."\\xff"==""',
    'labels."\\xff"!=""',
    "labels.utf==日本",
  ],
  ...[
    "id~=(?i)^C",
    "id~=[",
    "id~=(",
    "id~=(?=c)",
    'id~="(.)\\\\1"',
    "id~=\\d",
    "id~=/\\\\d/",
    "id~=|^d\\\\.4$|",
    "id~=c{2001}",
  ],
  ...['labels.lines~="one.two"', 'labels.lines~="(?s)one.two"', 'labels.lines~="(?m)^two"', "labels.utf~=^..$", "id~="],
  ...[
    "id==c1,labels.a==1",
    "id==c1,labels.a==2",
    "id~=c, image==",
    "image~=alpine:\\d$",
    "image==a=b",
    "unknown",
    "unknown!=x",
  ],
  ...[
    "id~=\\pL",
    "id~=[[:upper:]]",
    'labels.utf~="\\\\p{Han}"',
    "size==5",
    "snapshotter",
    "sandbox",
    "spec",
    "createdat",
  ],
];

/** Pieces that mean something to the grammar or nearly do; put together at random, always the same way. */
const PIECES = [
  ...[
    "id",
    "labels",
    "a",
    "==",
    "!=",
    "~=",
    "=",
    "~",
    "!",
    ",",
    ".",
    '"',
    "/",
    "|",
    "\\",
    " ",
    "\t",
    "\n",
    "é",
    "日",
    "😀",
    "\\n",
  ],
  ...[
    "\\x41",
    "\\x",
    "\\101",
    "\\u00e9",
    "\\q",
    '\\"',
    "0",
    "_",
    "-",
    "'",
    "\u00a0",
    "\u0001",
    "\u200b",
    '"x"',
    "\ufffd",
    "\0",
    "(",
    "$",
  ],
];
const RANDOM = fc.sample(
  fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 9 }).map((pieces) => pieces.join("")),
  { seed: 20_260_801, numRuns: 500 },
);

let scope: DisposeScope;
let clients: RawClients;
let namespace: string;

beforeAll(async () => {
  scope = new DisposeScope();
  namespace = freshNamespace(scope);
  const engine = await startContainerd(scope);
  clients = scope.use(rawClients(engine.address));
  for (const { id, image, runtime, labels } of SUBJECTS) {
    const container = {
      id,
      image,
      runtime: { name: runtime, options: undefined },
      labels: new Map(Object.entries(labels)),
    };
    const rest = { spec: { typeUrl: "x", value: Buffer.from("{}") }, snapshotter: "", snapshotKey: "", sandbox: "" };
    const unset = { createdAt: undefined, updatedAt: undefined, extensions: new Map() };
    const request = { container: { ...container, ...rest, ...unset } };
    await call(clients.containers, clients.containers.create, request, headers(namespace));
  }
});

afterAll(async () => {
  await scope[Symbol.asyncDispose]();
});

const codeOf = (error: unknown): number => (error instanceof Error && "code" in error ? Number(error.code) : -1);
const textOf = (error: unknown): string =>
  error instanceof Error && "details" in error ? String(error.details) : String(error);

/** The ids that match, or the error. */
async function ask(filters: readonly string[]): Promise<string> {
  try {
    const reply = await call(
      clients.containers,
      clients.containers.list,
      { filters: [...filters] },
      headers(namespace),
    );
    return reply.containers.map(({ id }) => id).join(" ");
  } catch (error) {
    return `${codeOf(error)} ${textOf(error)}`;
  }
}

const adaptorOf =
  (subject: Subject): Adaptor =>
  ([field, ...rest]) => {
    if (field === "id") return subject.id;
    if (field === "image") return subject.image || undefined;
    if (field === "runtime") return rest[0] === "name" ? subject.runtime : undefined;
    const key = rest.join(".");
    return field === "labels" && Object.hasOwn(subject.labels, key) ? subject.labels[key] : undefined;
  };

function answer(filters: readonly string[]): string {
  try {
    const filter = parseFilters(filters);
    const found = SUBJECTS.filter((subject) => filter.match(adaptorOf(subject)));
    return found
      .map(({ id }) => id)
      .sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
      .join(" ");
  } catch (error) {
    if (!(error instanceof ContainerdError)) throw error;
    return `3 ${invalidArgument(error.message).message}`;
  }
}

describe.skipIf(lacking)("against the real containerd", () => {
  test.each([
    ["syntax", SYNTAX],
    ["meaning", MEANING],
    ["random texts", RANDOM],
  ])("%s", async (_, filters) => {
    const theirs: Record<string, string> = {};
    const ours: Record<string, string> = {};
    for (const filter of filters) {
      theirs[filter] = await ask([filter]);
      ours[filter] = answer([filter]);
    }
    expect(ours).toEqual(theirs);
  });

  test("several filters", async () => {
    const lists = [
      [],
      [""],
      ["id==c1", "id==c2"],
      ["id==c1", ""],
      ["id==nope", "image~=a"],
      ["id==c1", "id="],
      ["", "id="],
    ];
    for (const filters of lists) expect([filters, answer(filters)]).toEqual([filters, await ask(filters)]);
  });
});
