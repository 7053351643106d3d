// Which files of the API's descriptor image belong to which service.
import { readFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { filesNeededBy, filesOf } from "./files.js";

const files = filesOf(readFileSync(new URL("../../api/gen/api.binpb", import.meta.url)));
const namesOf = (some: readonly Uint8Array[]): string[] =>
  some.map((file) => fromBinary(FileDescriptorProtoSchema, file).name);

test("a service needs its own file and, whole, what that imports", () => {
  expect(namesOf(filesNeededBy(["chromiumos.test.api.CrosToolRunnerContainerService"], files)).sort()).toEqual([
    "chromiumos/storage_path.proto",
    ...["android_provision_cli", "cros_provision_cli", "cros_tool_runner_container_service"].map(
      (name) => `chromiumos/test/api/${name}.proto`,
    ),
    "chromiumos/test/api/cros_tool_runner_container_service_extensions.proto",
    "chromiumos/test/api/cros_tool_runner_container_service_templates.proto",
    "chromiumos/test/api/provision_state.proto",
    "chromiumos/test/lab/api/dut.proto",
    "chromiumos/test/lab/api/ip_endpoint.proto",
  ]);
});

test("every file comes after what it imports, and a service that nobody has needs none", () => {
  const seen = new Set<string>();
  for (const file of filesNeededBy(["containerd.services.tasks.v1.Tasks", "grpc.health.v1.Health"], files)) {
    const { name, dependency } = fromBinary(FileDescriptorProtoSchema, file);
    expect(dependency.filter((each) => !seen.has(each))).toEqual([]);
    seen.add(name);
  }
  expect(seen).toContain("grpc/health/v1/health.proto");
  expect(filesNeededBy(["no.Such"], files)).toEqual([]);
});
