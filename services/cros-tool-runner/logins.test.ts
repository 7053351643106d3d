import { expect, test } from "vitest";
import { registryHost } from "./logins.js";

test.each([
  ["us-docker.pkg.dev", "us-docker.pkg.dev"],
  ["https://us-docker.pkg.dev", "us-docker.pkg.dev"],
  ["https://us-docker.pkg.dev/project/repository", "us-docker.pkg.dev"],
  ["localhost:5000", "localhost:5000"],
  ["docker.io", "docker.io"],
  ["https://index.docker.io/v1/", "docker.io"],
])("%s is the registry of images of %s", (registry, host) => {
  expect(registryHost(registry)).toBe(host);
});
