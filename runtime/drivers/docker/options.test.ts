// The options as clients write them and as the driver reads them: both know the same ones.
import { expect, test } from "vitest";
import { type DockerOptions, dockerOptions } from "../../../api/client/docker-options.js";
import { parseDockerOptions } from "./options.js";

/** Every one of them, none as its default is. */
const ALL: Required<DockerOptions> = {
  network: "net",
  networkAliases: ["alias"],
  ports: [{ containerPort: 80, protocol: "udp", hostIp: "0.0.0.0", hostPort: 8080 }],
  publishAll: true,
  expose: ["80/tcp"],
  name: "chosen",
  imageDefaults: true,
  replaceEntrypoint: true,
  user: "keeper:staff",
  pull: "never",
  shmSizeBytes: 1024,
  init: false,
  logDriver: "none",
  logOptions: { a: "b" },
  extraHosts: ["host:127.0.0.1"],
  dns: ["127.0.0.1"],
  isolation: "ignore",
};

test("what a client can say the driver reads", () => {
  expect(parseDockerOptions(dockerOptions(ALL))).toEqual(ALL);
});

test("without any there are those of every container", () => {
  const defaults = {
    publishAll: false,
    imageDefaults: false,
    replaceEntrypoint: false,
    pull: "missing",
    isolation: "refuse",
  };
  expect(parseDockerOptions(undefined)).toEqual(defaults);
  expect(parseDockerOptions(dockerOptions({ ports: [{ containerPort: 80 }] }))).toEqual({
    ...defaults,
    ports: [{ containerPort: 80, protocol: "tcp", hostIp: "127.0.0.1", hostPort: 0 }],
  });
});
