import { describe, expect, test } from "vitest";
import type { NewContainer } from "../../api/core/container.js";
import {
  StartContainerRequest,
  type StartContainerRequest_Options,
} from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { checkStart, recordOf } from "./start-request.js";

type Options = Partial<Omit<StartContainerRequest_Options, "_unknownFields">>;

const request = (options: Options = {}) =>
  StartContainerRequest.fromPartial({
    name: "box",
    containerImage: "image:1",
    startCommand: ["run", "it"],
    additionalOptions: options,
  });

const record = (options?: Options, env: NodeJS.ProcessEnv = {}): NewContainer =>
  recordOf(request(options), { id: "box", labels: {} }, env);

const jsonOf = (any: { value: Uint8Array } | undefined): unknown =>
  JSON.parse(Buffer.from(any?.value ?? []).toString());
const specOf = (...args: Parameters<typeof record>) => jsonOf(record(...args).spec);
const optionsOf = (...args: Parameters<typeof record>) => jsonOf(record(...args).runtime?.options);

test("a command follows the image's entry point, all ports are published, and Docker pulls nothing", () => {
  expect(record()).toMatchObject({ id: "box", image: "image:1", runtime: { name: "io.berth.docker.v1" } });
  expect(specOf()).toMatchObject({ process: { args: ["run", "it"], env: [], cwd: "" }, mounts: [] });
  expect(optionsOf()).toEqual({ name: "box", imageDefaults: true, publishAll: true, pull: "never" });
});

test("options are told in the words of the runtime, empty ones not at all", () => {
  expect(optionsOf({ expose: ["80", ""], network: "lab" })).toMatchObject({ expose: ["80/tcp"], network: "lab" });
  expect(optionsOf({ expose: ["53/udp"] })).toMatchObject({ expose: ["53/udp"] });
});

test("a variable without a value has the server's, if there is one", () => {
  const env = ["A=b=c", "HERE", "GONE", "EMPTY="];
  expect(specOf({ env }, { HERE: "1" })).toMatchObject({ process: { env: ["A=b=c", "HERE=1", "EMPTY="] } });
});

describe("volumes", () => {
  test.each([
    ["/a:/b", ["rbind", "rw"]],
    ["/a:/b:ro", ["rbind", "ro"]],
    ["/a:/b:rw,rshared,Z", ["rbind", "rw", "rshared"]],
  ])("%s", (volume, options) => {
    expect(specOf({ volume: [volume] })).toMatchObject({
      mounts: [{ destination: "/b", type: "bind", source: "/a", options }],
    });
  });

  test.each(["/a", ":/b", "a:/b", "./a:/b", "/a:b", "/a:/b:ro:more"])("%s is none", (volume) => {
    expect(() => record({ volume: [volume] })).toThrow(
      expect.objectContaining({ kind: "invalid_argument", message: expect.stringContaining(volume) }),
    );
  });
});

test("what is missing is named in the order of the fields", () => {
  const empty = StartContainerRequest.fromPartial({});
  expect(() => checkStart(empty)).toThrow("Missing name");
  expect(() => checkStart({ ...empty, name: "x" })).toThrow("Missing container_image");
  expect(() => checkStart({ ...empty, name: "x", containerImage: "x" })).toThrow("Missing start_command");
});
