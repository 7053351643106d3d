// Which entries a lockfile lacks, and what a package's name tells of its platform.
import { expect, test } from "vitest";
import { missingEntries, platformOf } from "./complete-lockfile.mjs";

test.each([
  ["@biomejs/cli-darwin-arm64", { os: ["darwin"], cpu: ["arm64"] }],
  ["@biomejs/cli-linux-x64-musl", { os: ["linux"], cpu: ["x64"], libc: ["musl"] }],
  ["@bufbuild/buf-linux-aarch64", { os: ["linux"], cpu: ["arm64"] }],
  ["@bufbuild/buf-linux-armv7", { os: ["linux"], cpu: ["arm"] }],
  ["@oxlint/binding-linux-arm-gnueabihf", { os: ["linux"], cpu: ["arm"], libc: ["glibc"] }],
  ["@oxlint/binding-linux-riscv64-musl", { os: ["linux"], cpu: ["riscv64"], libc: ["musl"] }],
  ["@swc/core-win32-ia32-msvc", { os: ["win32"], cpu: ["ia32"] }],
  ["@oxlint-tsgolint/win32-x64", { os: ["win32"], cpu: ["x64"] }],
  ["fsevents", {}],
])("the platform of %s", (name, want) => {
  expect(platformOf(name)).toEqual(want);
});

test("adds what a parent names by an exact version and nothing provides", () => {
  const packages = {
    "": { version: "1.0.0" },
    "node_modules/tool": {
      dev: true,
      optionalDependencies: { "tool-linux-x64": "2.0.0", "tool-darwin-arm64": "2.0.0", fsevents: "^2.3.0" },
    },
    "node_modules/tool-linux-x64": { version: "2.0.0" },
  };
  expect(missingEntries(packages)).toEqual({
    "node_modules/tool-darwin-arm64": { version: "2.0.0", dev: true, optional: true, os: ["darwin"], cpu: ["arm64"] },
  });
});

test("finds a package that is nested beside its parent", () => {
  const packages = {
    "node_modules/a/node_modules/tool": { optionalDependencies: { "tool-linux-x64": "2.0.0" } },
    "node_modules/a/node_modules/tool-linux-x64": { version: "2.0.0" },
  };
  expect(missingEntries(packages)).toEqual({});
});
