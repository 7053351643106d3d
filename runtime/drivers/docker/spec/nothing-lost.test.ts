// Whatever a spec asks for is seen again: in the container's body, or by name in a refusal. Each wish is taken away once, and that
// must show, whichever others stand beside it.
import fc from "fast-check";
import { expect, test } from "vitest";
import { clientSpec, type Json, type JsonObject } from "../../../../test/helpers/client-specs.js";
import { dockerBody } from "../../../../test/helpers/docker-bodies.js";

interface Wish {
  readonly path: readonly string[];
  readonly value: Json;
}

/** What members hold of their own accord, so that a value is a wish. */
const word = fc.stringMatching(/^[a-z]{2,8}$/);
const path = word.map((name) => `/${name}`);
const positive = fc.integer({ min: 1, max: 1e9 });
const anything = fc.oneof(
  word,
  positive,
  fc.constant(true),
  fc.array(word, { minLength: 1 }),
  fc.dictionary(word, positive, { minKeys: 1 }),
);

const wish = (at: string, value: fc.Arbitrary<Json>): fc.Arbitrary<Wish> =>
  value.map((given) => ({ path: at.split("."), value: given }));

const KNOWN: readonly fc.Arbitrary<Wish>[] = [
  wish("hostname", word),
  wish("domainname", word),
  wish("root.path", path),
  wish("root.readonly", fc.constant(true)),
  wish("annotations", fc.dictionary(word, word, { minKeys: 1 })),
  wish(
    "process.env",
    fc.array(
      fc.tuple(word, word).map(([name, value]) => `${name}=${value}`),
      { minLength: 1 },
    ),
  ),
  wish("process.args", fc.array(word, { minLength: 1 })),
  wish("process.cwd", path),
  wish("process.terminal", fc.constant(true)),
  wish("process.consoleSize", fc.record({ height: positive, width: positive })),
  wish("process.user.uid", positive),
  wish("process.user.gid", positive),
  wish("process.user.additionalGids", fc.array(positive, { minLength: 1 })),
  wish("process.user.umask", fc.constantFrom(0, 0o77, 0o777)),
  wish(
    "process.capabilities",
    fc
      .subarray(["CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_KILL"])
      .map((set) => ({ bounding: set, effective: set, permitted: set })),
  ),
  wish("process.capabilities.ambient", fc.subarray(["CAP_CHOWN", "CAP_KILL"], { minLength: 1 })),
  wish(
    "process.rlimits",
    fc.array(fc.record({ type: word.map((name) => `RLIMIT_${name.toUpperCase()}`), soft: positive, hard: positive }), {
      minLength: 1,
    }),
  ),
  wish(
    "process.rlimits",
    fc
      .record({ type: fc.constantFrom("RLIMIT_CPU", "RLIMIT_NOFILE"), soft: positive, hard: positive })
      .map((limit) => [limit]),
  ),
  wish("process.noNewPrivileges", fc.constant(false)),
  wish("process.oomScoreAdj", fc.integer({ min: 1, max: 1000 })),
  wish("process.apparmorProfile", word),
  wish("process.selinuxLabel", fc.oneof(word, fc.constant("a:b:c:d"))),
  wish("linux.cgroupsPath", path),
  wish("linux.rootfsPropagation", fc.constantFrom("shared", "private")),
  wish("linux.sysctl", fc.dictionary(word, word, { minKeys: 1 })),
  wish("linux.maskedPaths", fc.array(path)),
  wish("linux.readonlyPaths", fc.array(path)),
  wish("linux.seccomp", fc.record({ defaultAction: word })),
  wish(
    "linux.devices",
    fc
      .record({
        path: word.map((name) => `/dev/no-${name}`),
        type: fc.constantFrom("c", "b", "p"),
        major: positive,
        minor: positive,
      })
      .map((device) => [device]),
  ),
  wish("linux.resources.memory.limit", positive),
  wish("linux.resources.memory.swap", positive),
  wish("linux.resources.memory.reservation", positive),
  wish("linux.resources.memory.swappiness", fc.integer({ min: 0, max: 100 })),
  wish("linux.resources.memory.disableOOMKiller", fc.constant(true)),
  wish("linux.resources.cpu.shares", positive),
  wish("linux.resources.cpu.quota", positive),
  wish("linux.resources.cpu.period", positive),
  wish("linux.resources.cpu.realtimeRuntime", positive),
  wish("linux.resources.cpu.realtimePeriod", positive),
  wish("linux.resources.cpu.cpus", word),
  wish("linux.resources.cpu.mems", word),
  wish("linux.resources.pids.limit", fc.oneof(positive, fc.constant(-1))),
  wish("linux.resources.blockIO.weight", positive),
  wish(
    "linux.resources.blockIO.throttleReadBpsDevice",
    fc.record({ major: positive, minor: positive, rate: positive }).map((rate) => [rate]),
  ),
  wish(
    "linux.resources.devices",
    fc
      .record({
        allow: fc.constant(true),
        type: fc.constantFrom("c", "b"),
        major: fc.integer({ min: 137, max: 200 }),
        minor: positive,
        access: fc.constantFrom("r", "rw", "rwm"),
      })
      .map((rule) => [rule]),
  ),
  wish(
    "linux.namespaces",
    fc
      .subarray(["pid", "ipc", "uts", "network", "mount"], { minLength: 1, maxLength: 4 })
      .map((types) => types.map((type) => ({ type }))),
  ),
  wish(
    "linux.namespaces",
    fc
      .constantFrom("pid", "ipc", "uts", "network", "mount", "user", "time")
      .map((type) => [
        ...["pid", "ipc", "uts", "mount", "network"]
          .filter((other) => other !== type)
          .map((other) => ({ type: other })),
        { type, path: "/proc/1/ns/x" },
      ]),
  ),
  wish(
    "mounts",
    fc
      .record({
        destination: path,
        type: fc.constantFrom("bind", "tmpfs", "overlay"),
        source: path,
        options: fc.uniqueArray(fc.constantFrom("rbind", "ro", "rshared", "noexec", "size=5k", "x")),
      })
      .map((mount) => [mount]),
  ),
];
/** What the specification does not have yet. */
const UNKNOWN = fc
  .tuple(
    fc.constantFrom(
      "",
      "process.",
      "process.user.",
      "process.capabilities.",
      "root.",
      "linux.",
      "linux.resources.",
      "linux.resources.memory.",
      "linux.resources.cpu.",
      "linux.resources.blockIO.",
    ),
    word,
  )
  .chain(([parent, name]) => wish(`${parent}x-${name}`, anything));

const wishes = fc.uniqueArray(
  fc.oneof({ weight: 5, arbitrary: fc.oneof(...KNOWN) }, { weight: 1, arbitrary: UNKNOWN }),
  {
    minLength: 1,
    maxLength: 6,
    selector: ({ path: at }) => at.join("."),
  },
);

const change = ({ path: at, value }: Wish): JsonObject =>
  at.reduceRight<Json>((inner, name) => ({ [name]: inner }), value) as JsonObject;

function specOf(all: readonly Wish[]): JsonObject {
  const merged = (into: JsonObject, from: JsonObject): JsonObject => {
    const result = new Map(Object.entries(into));
    for (const [name, value] of Object.entries(from)) {
      const was = result.get(name);
      const bothObjects = [was, value].every((one) => typeof one === "object" && one !== null && !Array.isArray(one));
      result.set(name, bothObjects ? merged(was as JsonObject, value as JsonObject) : value);
    }
    return Object.fromEntries(result);
  };
  return all.map(change).reduce(merged, clientSpec());
}

/** What is refused, and what is made where that is left out. */
function outcome(all: readonly Wish[]): string {
  const spec = specOf(all);
  let refused = "";
  try {
    dockerBody(spec);
  } catch (error) {
    refused = String(error);
  }
  return `${refused} ${JSON.stringify(dockerBody(spec, { isolation: "ignore" }))}`;
}

test("every wish shows in the container or in the refusal", () => {
  fc.assert(
    fc.property(wishes, (all) => {
      const whole = outcome(all);
      for (const one of all) expect([one, whole]).not.toEqual([one, outcome(all.filter((other) => other !== one))]);
    }),
    { numRuns: 200 },
  );
});
