import { homedir } from "node:os";
import { expect, test } from "vitest";
import { engineHost, parseEngineHost } from "./engine-host.js";

test.each([
  ["what is asked for", "tcp://asked:1", { DOCKER_HOST: "tcp://env:1" }, "tcp://asked:1"],
  ["else what the environment says", undefined, { DOCKER_HOST: "tcp://env:1" }, "tcp://env:1"],
  ["an empty one is none", "", { DOCKER_HOST: "" }, "unix:///var/run/docker.sock"],
])("the host is %s", (_, host, env, want) => {
  expect(engineHost(host, env)).toBe(want);
});

test.each([
  ["unix:///run/d.sock", {}, { kind: "unix", socketPath: "/run/d.sock" }],
  ["tcp://h", {}, { kind: "tcp", hostname: "h", port: 2375, tls: undefined }],
  ["tcp://h:1234/", {}, { kind: "tcp", hostname: "h", port: 1234, tls: undefined }],
  ["http://[::1]:1", {}, { kind: "tcp", hostname: "[::1]", port: 1, tls: undefined }],
  [
    "tcp://h",
    { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/c" },
    { kind: "tcp", hostname: "h", port: 2376, tls: { ca: "/c/ca.pem", cert: "/c/cert.pem", key: "/c/key.pem" } },
  ],
  [
    "https://h",
    {},
    {
      kind: "tcp",
      hostname: "h",
      port: 2376,
      tls: {
        ca: `${homedir()}/.docker/ca.pem`,
        cert: `${homedir()}/.docker/cert.pem`,
        key: `${homedir()}/.docker/key.pem`,
      },
    },
  ],
])("%s is understood", (host, env, want) => {
  expect(parseEngineHost(host, env)).toEqual(want);
});

test.each([
  "",
  "unix://",
  "unix://relative",
  "ssh://h",
  "npipe:////./pipe/x",
  "h:2375",
  "tcp://",
  "tcp://h/path",
  "tcp://u@h",
])("%j is refused", (host) => {
  expect(() => parseEngineHost(host, {})).toThrow(expect.objectContaining({ kind: "invalid_argument" }));
});
