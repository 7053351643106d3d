import { expect, test } from "vitest";
import { Container } from "../../api/gen/services/containers/v1/containers.js";
import { fromContainerMessage } from "./convert.js";

test("a missing message is one without anything", () => {
  expect(fromContainerMessage(undefined)).toEqual({ id: "" });
});

test("runtime and spec stay missing when they are, so that a mask can leave them alone", () => {
  const update = fromContainerMessage(Container.fromPartial({ id: "web" }));
  expect(update).not.toHaveProperty("runtime");
  expect(update).not.toHaveProperty("spec");
});

test("everything a client may set is taken over, times are not", () => {
  const any = { typeUrl: "t", value: Buffer.from([1]) };
  const message = Container.fromPartial({
    id: "web",
    labels: new Map([["__proto__", "x"]]),
    image: "i",
    runtime: { name: "r", options: any },
    spec: any,
    snapshotter: "s",
    snapshotKey: "k",
    createdAt: { seconds: 5n, nanos: 1 },
    extensions: new Map([["e", any]]),
    sandbox: "b",
  });
  const container = fromContainerMessage(message);
  expect(container).toMatchObject({ id: "web", image: "i", snapshotter: "s", snapshotKey: "k", sandbox: "b" });
  expect(Object.entries(container.labels ?? {})).toEqual([["__proto__", "x"]]);
  expect(container.runtime).toMatchObject({ name: "r", options: any });
  expect(container.extensions?.["e"]).toMatchObject(any);
  expect(container).not.toHaveProperty("createdAtNs");
});
