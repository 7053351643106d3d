// Random lives of a store: against a Map that does the same, and its filters against an evaluation of every record.
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Container, NewContainer } from "../api/core/container.js";
import { DisposeScope } from "../api/core/dispose.js";
import { errorKind } from "../api/core/errors.js";
import { parseFilters } from "../api/core/filters/index.js";
import { temporaryMetadata } from "../test/helpers/metadata.js";
import { containerAdaptor } from "./container-filter.js";
import type { LocalContainerStore } from "./index.js";

const SPEC = { typeUrl: "t/Spec", value: Buffer.from("{}") };
const id = fc.constantFrom("a", "b", "B", "c-1", "c.1", "d_9", "10", "9");
const namespace = fc.constantFrom("one", "two");
const labels = fc.dictionary(fc.constantFrom("k", "k.l", "x/y-z", "é"), fc.constantFrom("", "1", "22", "é b"));
const image = fc.constantFrom("", "nginx", "busybox:1");

const fields = fc.record({ id, labels, image, runtime: fc.record({ name: fc.constantFrom("r1", "r2") }) });
const paths = fc.subarray(["labels", "image", "labels.k", "labels.k.l", "spec"], { minLength: 1 });

type Command =
  | {
      readonly verb: "create" | "replace" | "patch";
      readonly namespace: string;
      readonly container: NewContainer;
      readonly paths: string[];
    }
  | { readonly verb: "delete"; readonly namespace: string; readonly id: string };

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    verb: fc.constantFrom("create" as const, "create" as const, "replace" as const, "patch" as const),
    namespace,
    container: fields.map((some) => ({ ...some, spec: SPEC })),
    paths,
  }),
  fc.record({ verb: fc.constant("delete" as const), namespace, id }),
);

type Model = Map<string, NewContainer>;

const withoutEmpty = (all: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));

/** What the command does to a Map: the outcome, an error's kind or "ok". */
function applyToModel(model: Model, step: Command): string {
  if (step.verb === "delete") return model.delete(`${step.namespace}/${step.id}`) ? "ok" : "not_found";
  const { container } = step;
  const key = `${step.namespace}/${container.id}`;
  const stored = model.get(key);
  if (step.verb === "create") {
    if (stored !== undefined) return "already_exists";
    model.set(key, { ...container, labels: withoutEmpty(container.labels) });
    return "ok";
  }
  if (stored === undefined) return "not_found";
  if (step.verb === "replace" && container.runtime?.name !== stored.runtime?.name) return "invalid_argument";
  const all = step.verb === "replace" ? ["labels", "image", "spec"] : step.paths;
  let next = stored;
  for (const path of all) {
    if (path === "labels") next = { ...next, labels: container.labels ?? {} };
    if (path === "image") next = { ...next, image: container.image ?? "" };
    if (path.startsWith("labels.")) {
      const name = path.slice("labels.".length);
      next = { ...next, labels: { ...next.labels, [name]: container.labels?.[name] ?? "" } };
    }
  }
  model.set(key, { ...next, labels: withoutEmpty(next.labels) });
  return "ok";
}

async function applyToStore(store: LocalContainerStore, run: string, step: Command): Promise<string> {
  const ctx = { namespace: run + step.namespace };
  try {
    if (step.verb === "delete") await store.delete(ctx, step.id);
    else if (step.verb === "create") await store.create(ctx, step.container);
    else await store.update(ctx, step.container, step.verb === "patch" ? step.paths : []);
    return "ok";
  } catch (error) {
    return errorKind(error);
  }
}

const essence = ({ id: name, labels: its, image: from, runtime }: Container | NewContainer) => ({
  id: name,
  labels: its,
  image: from,
  runtime: runtime?.name,
});

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

const selector = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("id", "image", "runtime.name", "labels.k", "labels.k.l", 'labels."x/y-z"', "labels", "nope"),
      fc.constantFrom("==", "!=", "~="),
      fc.constantFrom("a", '"é b"', "1", "nginx", "r1", "c-1", '""', "^.$", "("),
    )
    .map((parts) => parts.join("")),
  fc.constantFrom("id", "image", "runtime.name", "labels.k", 'labels."é"', "labels"),
);
const filters = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: fc.array(selector, { minLength: 1, maxLength: 3 }).map((all) => all.join(",")) },
    { weight: 1, arbitrary: fc.constant("") },
  ),
  { maxLength: 3 },
);

const adaptorOf = (container: NewContainer) =>
  containerAdaptor({
    id: container.id,
    image: container.image ?? "",
    runtimeName: container.runtime?.name ?? "",
    labels: new Map(Object.entries(container.labels ?? {})),
  });

const scope = new DisposeScope();
let store: LocalContainerStore;
let runs = 0;

beforeAll(async () => {
  store = (await temporaryMetadata(scope)).containers;
});

afterAll(() => scope[Symbol.asyncDispose]());

test("the store does what a Map does, and its filters choose what looking at every record would", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { maxLength: 30 }),
      fc.array(filters, { maxLength: 12 }),
      async (steps, queries) => {
        runs += 1;
        const run = `run${runs}-`;
        const model: Model = new Map();
        for (const step of steps) expect(await applyToStore(store, run, step)).toBe(applyToModel(model, step));
        for (const name of ["one", "two"]) {
          const ctx = { namespace: run + name };
          const mine = Array.from(model)
            .filter(([key]) => key.startsWith(`${name}/`))
            .map(([, container]) => container)
            .sort((a, b) => byBytes(a.id, b.id));
          expect((await store.list(ctx)).map(essence)).toEqual(mine.map(essence));
          for (const query of queries) {
            const naive = parseFilters(query);
            const want = mine.filter((container) => naive.match(adaptorOf(container)));
            const got = await store.list(ctx, query);
            expect(
              got.map(({ id: found }) => found),
              JSON.stringify(query),
            ).toEqual(want.map(({ id: wanted }) => wanted));
          }
        }
      },
    ),
    { numRuns: 100 },
  );
});
