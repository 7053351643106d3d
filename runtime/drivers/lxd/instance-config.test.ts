import { expect, test } from "vitest";
import { INIT_SCRIPT, instanceConfig } from "./instance-config.js";

const LOG = "lxc.log.level = INFO";
const spec = (value: object): Uint8Array => Buffer.from(JSON.stringify(value));

test("limits and environment of the spec, settings of the options, a log of the end", () => {
  const env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "A=1=2", "B"];
  const linux = { resources: { memory: { limit: 1024 }, cpu: { shares: 1024 }, devices: [{ allow: false }] } };
  const config = { "limits.memory": "1GiB", "user.x": "y" };
  expect(instanceConfig({ config }, spec({ process: { env }, linux }))).toEqual({
    config: { "environment.A": "1=2", "environment.B": "", "limits.memory": "1GiB", "user.x": "y", "raw.lxc": LOG },
    script: undefined,
  });
});

test.each([
  ["plain words", ["/bin/sleep", "1000"], "/bin/sleep 1000", undefined],
  [
    "words with spaces",
    ["sh", "-c", "echo it's; exit 7"],
    INIT_SCRIPT,
    "#!/bin/sh\nexec 'sh' '-c' 'echo it'\\''s; exit 7'\n",
  ],
])("an init of %s", (_, init, program, script) => {
  const config = { "raw.lxc": "lxc.mount.auto = sys:rw" };
  expect(instanceConfig({ config, init }, spec({}))).toEqual({
    config: { "raw.lxc": `lxc.mount.auto = sys:rw\n${LOG}\nlxc.init.cmd = ${program}` },
    script,
  });
});

test("what is no spec is refused without its words", () => {
  expect(() => instanceConfig({}, Buffer.from("secret"))).toThrow(/^spec is not JSON: invalid argument$/);
  expect(() => instanceConfig({}, spec({ process: { env: 1 } }))).toThrow("invalid spec: process.env");
  expect(() => instanceConfig({}, spec({ linux: { resources: { blockIO: { weight: 1 } } } }))).toThrow("blockIO");
});
