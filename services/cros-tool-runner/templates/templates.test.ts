// What each kind of template becomes: requests and starts as text.

import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { quoteBytes } from "../../../api/client/textproto/string-literal.js";
import { MessageTypes } from "../../../api/client/textproto/types.js";
import {
  Container_PortBinding,
  StartContainerRequest,
  StartTemplatedContainerRequest,
} from "../../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { serviceError } from "../errors.js";
import { expandTemplate } from "./index.js";
import type { TemplateDeps } from "./template.js";

const types = MessageTypes.ofImage(readFileSync(new URL("../../../api/gen/api.binpb", import.meta.url)));
const REQUEST = types.message("chromiumos.test.api.StartTemplatedContainerRequest");
const START = types.message("chromiumos.test.api.StartContainerRequest");

let dir: string;
let tokens: string[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "bt-"));
  tokens = [];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const binding = (containerPort: number, hostPort = containerPort) =>
  Container_PortBinding.fromPartial({ containerPort, hostPort, protocol: "tcp" });
const PORTS: Readonly<Record<string, readonly Container_PortBinding[]>> = {
  dut: [binding(80, 40_000)],
  "dut-on-host": [binding(31_337)],
  none: [],
  two: [binding(80), binding(81)],
};

const deps: TemplateDeps = {
  portBindings: async (name) => {
    const found = PORTS[name];
    if (found === undefined) throw serviceError("not_found", `Cannot retrieve container ID with name ${name}`);
    return found;
  },
  keepToken: async (folder, container) => void tokens.push(`${folder} ${container}`),
  patienceMs: 0,
  env: { HOME_OF_TESTS: "/here", EMPTY: "" },
};

/** `A` in the text stands for the folder of artifacts, also in the answer. */
async function expand(text: string, network = ""): Promise<string> {
  const whole = `name: "c" container_image: "i" network: "${network}" artifact_dir: "A" ${text}`;
  const bytes = types.encode(REQUEST, whole.replaceAll('"A', `"${dir}`), "textproto");
  const start = await expandTemplate(StartTemplatedContainerRequest.decode(bytes), deps);
  return types.print(START, StartContainerRequest.encode(start).finish(), "textproto").replaceAll(dir, "A");
}

const lines = (...text: string[]): string => text.map((line) => `${line}\n`).join("");
const started = (options: readonly string[], command: readonly string[]): string =>
  lines(
    'name: "c"',
    'container_image: "i"',
    "additional_options {",
    ...options.map((line) => `  ${line}`),
    "}",
    ...command.map((word) => `start_command: ${quoteBytes(Buffer.from(word))}`),
  );

const DUT = (address: string, port = 22) =>
  `template { cros_dut { cache_server { address: "cache" port: 7443 } dut_address { address: "${address}" port: ${port} } } }`;
const PROVISION = (address: string, port = 0) =>
  `template { cros_provision { input_request { dut { id { value: "d" } } dut_server { address: "${address}" port: ${port} } } } }`;
const PUBLISH = (type: string) => `template { cros_publish { publish_type: ${type} publish_src_dir: "A/src" } }`;

describe("on a network of its own", () => {
  test.each([
    [
      "cros_dut",
      DUT("dut_address"),
      ['expose: "80"', 'volume: "A:/tmp/cros-dut"'],
      "cros-dut -dut_address dut_address:22 -cache_address cache:7443 -port 80",
    ],
    [
      "cros_dut with IPv6",
      DUT("fe80::1"),
      ['expose: "80"', 'volume: "A:/tmp/cros-dut"'],
      "cros-dut -dut_address [fe80::1]:22 -cache_address cache:7443 -port 80",
    ],
    [
      "cros_dut behind a container",
      DUT("ctr-container-port://dut", 0),
      ['expose: "80"', 'volume: "A:/tmp/cros-dut"'],
      "cros-dut -dut_address dut:80 -cache_address cache:7443 -port 80",
    ],
    [
      "cros_provision",
      PROVISION("localhost", 5),
      ['expose: "80"', 'volume: "A:/tmp/provisionservice"'],
      "cros-provision server -metadata /tmp/provisionservice/in.json -port 80",
    ],
    [
      "cros_publish to GCS",
      PUBLISH("PUBLISH_GCS"),
      ['expose: "43147"', 'volume: "A:/tmp/gcs-publish/"', 'volume: "A/src:/tmp/gcs-publish-test-artifacts/"'],
      "gcs-publish server -port 43147",
    ],
    [
      "cros_publish to TKO",
      PUBLISH("PUBLISH_TKO"),
      ['expose: "43148"', 'volume: "A:/tmp/tko-publish/"', 'volume: "A/src:/tmp/tko-publish-test-artifacts/"'],
      "tko-publish server -port 43148",
    ],
    [
      "cros_publish to RDB, before a test",
      PUBLISH("PUBLISH_RDB"),
      ['expose: "43149"', 'volume: "A:/tmp/rdb-publish/"'],
      "rdb-publish server -port 43149",
    ],
    [
      "cros_publish to CPCON",
      PUBLISH("PUBLISH_CPCON"),
      ['expose: "43146"', 'volume: "A:/tmp/cpcon-publish"', 'volume: "A/src:/tmp/cpcon-publish-test-artifacts/"'],
      "cpcon-publish server -port 43146",
    ],
    [
      "cros_fw_provision",
      "template { cros_fw_provision { } }",
      ['expose: "8080"', 'volume: "A:/tmp/cros-fw-provision"'],
      "cros-fw-provision server -port 8080 -log-path /tmp/cros-fw-provision",
    ],
    [
      "cache_server",
      "template { cache_server { } }",
      ['expose: "43150"', 'volume: "A:/tmp/cacheserver"'],
      "cacheserver -location /tmp/cacheserver -port 43150",
    ],
    [
      "cros_vm_provision",
      "template { cros_vm_provision { } }",
      ['expose: "80"', 'volume: "A:/tmp/vm-provision"'],
      "vm-provision -port 80 -log /tmp/vm-provision",
    ],
    [
      "post_process",
      'template { post_process { post_process_src_dir: "A/src" } }',
      ['volume: "A:/tmp/post-process/"'],
      "post-process server -port 0",
    ],
    [
      "generic",
      'template { generic { docker_artifact_dir: "/out" additional_volumes: "/a:/b" expose: "9000" binary_name: "prog" binary_args: ["-x", "1"] env: ["A=b=c", "HOME_OF_TESTS", "EMPTY", "MISSING", "E="] } }',
      ['expose: "9000"', 'volume: "A:/out"', 'volume: "/a:/b"', 'env: "A=b=c"', 'env: "HOME_OF_TESTS"', 'env: "E="'],
      "prog -x 1",
    ],
  ])("%s", async (_, given, options, command) => {
    expect(await expand(given)).toBe(started(options, command.split(" ")));
  });

  test("cros_test, whose folders are made", async () => {
    expect(await expand("template { cros_test { } }", "net")).toBe(
      started(
        [
          'expose: "8001"',
          'volume: "A/cros-test/cros-test:/tmp/test/cros-test"',
          'volume: "A/cros-test/results:/tmp/test/results"',
          'network: "net"',
        ],
        [
          "bash",
          "-c",
          "sudo --non-interactive chown -R chromeos-test:chromeos-test /tmp/test && cros-test server -port 8001",
        ],
      ),
    );
    expect((await readdir(join(dir, "cros-test"))).sort()).toEqual(["cros-test", "results"]);
    expect((await stat(join(dir, "cros-test/results"))).mode & 0o777).toBe(0o755);
  });

  test("cache_server with a key, whose name may need quotes", async () => {
    const key = (name: string) => `template { cache_server { service_account_keyfile: "/keys/${name}" } }`;
    const volumes = ['expose: "43150"', 'volume: "A:/tmp/cacheserver"', 'volume: "/keys:/usr/mount/creds"'];
    const command = (file: string) => [
      "bash",
      "-c",
      `export GOOGLE_APPLICATION_CREDENTIALS=${file} && cacheserver -location /tmp/cacheserver -port 43150`,
    ];
    expect(await expand(key("k.json"))).toBe(started(volumes, command("/usr/mount/creds/k.json")));
    expect(await expand(key("a b;c"))).toBe(started(volumes, command("'/usr/mount/creds/a b;c'")));
  });

  test("those who read results find the run's", async () => {
    await mkdir(join(dir, "src/cros-test-2"), { recursive: true });
    await mkdir(join(dir, "src/other"));
    const volume = 'volume: "A/src/cros-test-2/cros-test/results:/tmp/test/results"';
    expect(await expand(PUBLISH("PUBLISH_RDB"))).toContain(volume);
    expect(await expand('template { post_process { post_process_src_dir: "A/src" } }')).toContain(volume);
  });

  test("cros_vm_provision is given a token", async () => {
    await expand("template { cros_vm_provision { } }");
    expect(tokens).toEqual([`${dir} c`]);
  });
});

test.each([
  ["cros_dut", DUT("d")],
  ["cros_provision", PROVISION("d")],
  ["cros_test", "template { cros_test { } }"],
  ["cros_publish", PUBLISH("PUBLISH_GCS")],
  ["cros_fw_provision", "template { cros_fw_provision { } }"],
  ["cache_server", "template { cache_server { } }"],
  ["cros_vm_provision", "template { cros_vm_provision { } }"],
  ["post_process", "template { post_process { } }"],
])("on the host's network %s takes a free port and exposes none", async (_, given) => {
  const start = await expand(given, "host");
  expect(start).toMatch(/-port( |"\nstart_command: ")0\b/);
  expect(start).not.toContain("expose");
  expect(start).toContain('network: "host"');
});

describe("cros_provision", () => {
  const written = async (): Promise<unknown> => JSON.parse(await readFile(join(dir, "in.json"), "utf8"));

  test.each([
    ["an address as it is", PROVISION("10.0.0.1", 5), { address: "10.0.0.1", port: 5 }],
    ["a container on its network", PROVISION("ctr-container-port://dut"), { address: "dut", port: 80 }],
    [
      "a container on the host's",
      PROVISION("ctr-localhost-port://dut-on-host"),
      { address: "localhost", port: 31_337 },
    ],
  ])("writes %s", async (_, given, dutServer) => {
    await expand(given);
    expect(await written()).toEqual({ dut: { id: { value: "d" } }, dutServer });
  });

  test("writes what it was given in proto3's JSON", async () => {
    await expand(
      'template { cros_provision { input_request { provision_state { id { value: "s" } system_image { version: "R1" system_image_path { host_type: GS path: "gs://x" } } } } } }',
    );
    const systemImage = { version: "R1", systemImagePath: { hostType: "GS", path: "gs://x" } };
    expect(await written()).toEqual({ provisionState: { id: { value: "s" }, systemImage } });
  });

  test("makes the folder, and fails where it cannot", async () => {
    await rm(dir, { recursive: true });
    await expand(PROVISION("d", 1));
    expect(await written()).toMatchObject({ dutServer: { address: "d" } });
    await rm(join(dir, "in.json"));
    await mkdir(join(dir, "in.json"));
    await expect(expand(PROVISION("d", 1))).rejects.toMatchObject({
      kind: "unknown",
      message: expect.stringContaining("cannot write"),
    });
  });
});

test.each([
  ["no template", "", "invalid_argument", "No template set in the request"],
  ["an empty template", "template { }", "invalid_argument", "No template set in the request"],
  ["cros_test_finder", "template { cros_test_finder { } }", "not_implemented", "cros_test_finder to be implemented"],
  ["android_provision", "template { android_provision { } }", "not_implemented", "android_provision to be implemented"],
  [
    "an unspecified publish type",
    PUBLISH("PUBLISH_UNSPECIFIED"),
    "not_implemented",
    "PUBLISH_UNSPECIFIED to be implemented",
  ],
  ["a publish type of the future", PUBLISH("9"), "not_implemented", "UNRECOGNIZED to be implemented"],
  [
    "publishing without a source",
    "template { cros_publish { publish_type: PUBLISH_TKO } }",
    "invalid_argument",
    "Missing publish_src_dir",
  ],
  [
    "cros_dut without a device",
    'template { cros_dut { cache_server { address: "c" } } }',
    "invalid_argument",
    "Missing dut_address",
  ],
  [
    "cros_dut without a cache",
    'template { cros_dut { dut_address { address: "c" } } }',
    "invalid_argument",
    "Missing cache_server",
  ],
  ["cros_provision without a request", "template { cros_provision { } }", "invalid_argument", "Missing input_request"],
  [
    "a relative source",
    'template { cros_publish { publish_type: PUBLISH_TKO publish_src_dir: "src" } }',
    "invalid_argument",
    "publish_src_dir is not an absolute path: src",
  ],
  [
    "a generic one without a folder",
    'template { generic { binary_name: "p" } }',
    "invalid_argument",
    "Missing docker_artifact_dir",
  ],
  [
    "a key without a folder",
    'template { cache_server { service_account_keyfile: "k" } }',
    "invalid_argument",
    "service_account_keyfile is not the full path of a file: k",
  ],
  [
    "a key without a name",
    'template { cache_server { service_account_keyfile: "/k/" } }',
    "invalid_argument",
    "service_account_keyfile is not the full path of a file: /k/",
  ],
  ["a placeholder of another scheme", PROVISION("ctr-nope://dut"), "invalid_argument", "Scheme is unrecognized"],
  [
    "a placeholder without a name",
    PROVISION("ctr-container-port://"),
    "invalid_argument",
    "Not a valid template placeholder",
  ],
  [
    "a placeholder with a port",
    PROVISION("ctr-container-port://dut", 5),
    "invalid_argument",
    "The port must be 0 beside a ctr-container-port placeholder, not 5",
  ],
  [
    "a placeholder for no container",
    PROVISION("ctr-container-port://gone"),
    "not_found",
    "Cannot retrieve container ID with name gone",
  ],
  [
    "a placeholder for no port",
    PROVISION("ctr-container-port://none"),
    "failed_precondition",
    "container none has no port, and a placeholder needs exactly one",
  ],
  [
    "a placeholder for two ports",
    DUT("ctr-localhost-port://two", 0),
    "failed_precondition",
    "container two has 2 ports, and a placeholder needs exactly one",
  ],
  [
    "the host's port of a container that is not there",
    PROVISION("ctr-localhost-port://dut"),
    "failed_precondition",
    "container dut is not on the host network: its port 80 is the host's 40000",
  ],
])("%s is refused", async (_, given, kind, message) => {
  await expect(expand(given)).rejects.toMatchObject({ kind, message });
});

test("a placeholder waits for a service that has just been started", async () => {
  let lookups = 0;
  const portBindings = async (): Promise<Container_PortBinding[]> => {
    lookups += 1;
    return lookups < 3 ? [] : [binding(4711)];
  };
  const bytes = types.encode(REQUEST, `artifact_dir: "${dir}" ${PROVISION("ctr-localhost-port://new")}`, "textproto");
  await expandTemplate(StartTemplatedContainerRequest.decode(bytes), { ...deps, patienceMs: 60_000, portBindings });
  expect(JSON.parse(await readFile(join(dir, "in.json"), "utf8"))).toMatchObject({
    dutServer: { address: "localhost", port: 4711 },
  });
});

test.each(["", "relative"])("artifact_dir %j is refused", async (artifactDir) => {
  const request = StartTemplatedContainerRequest.fromPartial({
    artifactDir,
    template: { container: { $case: "crosTest", value: {} } },
  });
  await expect(expandTemplate(request, deps)).rejects.toMatchObject({ kind: "invalid_argument" });
});
