import { expect, test } from "vitest";
import { parsePort } from "./docker-flags.js";

test.each([
  ["80", { containerPort: 80 }],
  ["8080:80", { hostPort: 8080, containerPort: 80 }],
  ["0.0.0.0:8080:80", { hostIp: "0.0.0.0", hostPort: 8080, containerPort: 80 }],
  ["127.0.0.1::80/tcp", { hostIp: "127.0.0.1", containerPort: 80, protocol: "tcp" }],
  ["[::1]:53:53/udp", { hostIp: "::1", hostPort: 53, containerPort: 53, protocol: "udp" }],
])("port %s", (text, port) => {
  expect(parsePort(text)).toEqual(port);
});

test.each(["", "0", "x", "80:", "65536", "1:65536", "65536:1", "a:1:2", "80/icmp", "1:2:3:4", "-1"])(
  "port %j is refused",
  (text) => {
    expect(() => parsePort(text)).toThrow(`port "${text}" is not`);
  },
);
