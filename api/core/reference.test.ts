import { describe, expect, test } from "vitest";
import { familiarName, normalizeReference, parseReference } from "./reference.js";

const DIGEST = `sha256:${"a".repeat(64)}`;

describe("a reference", () => {
  test.each([
    ["docker.io/library/busybox:1.36", "docker.io", "library/busybox", "1.36", undefined],
    ["localhost:5000/a/b-c/d_e:x", "localhost:5000", "a/b-c/d_e", "x", undefined],
    ["[::1]:5000/a:x", "[::1]:5000", "a", "x", undefined],
    ["my_registry:5000/a:x", "my_registry:5000", "a", "x", undefined],
    [`host/a@${DIGEST}`, "host", "a", undefined, DIGEST],
    [`host/a:x@${DIGEST}`, "host", "a", "x", DIGEST],
  ])("%s", (text, host, repository, tag, digest) => {
    expect(parseReference(text)).toEqual({ text, host, repository, tag, digest });
  });

  test.each([
    ["https://docker.io/a:1", /scheme/],
    ["busybox", /host is required/],
    ["/a:1", /host is required/],
    ["docker.io/library/busybox", /object required/],
    ["host/a:", /tag is malformed/],
    ["host/A:1", /repository is malformed/],
    ["host/a//b:1", /repository is malformed/],
    ["host/../b:1", /repository is malformed/],
    ["../x/b:1", /host is malformed/],
    ["ho st/b:1", /host is malformed/],
    ["user@host/b:1", /host is malformed/],
    ["host/a@sha256:12", /invalid checksum digest length/],
    [`host/a@${DIGEST}@${DIGEST}`, /more than one digest/],
    [`host/a:${"x".repeat(129)}`, /tag is malformed/],
  ])("%s is refused", (text, words) => {
    expect(() => parseReference(text)).toThrow(words);
  });

  test.each([
    ["busybox", "docker.io/library/busybox:latest"],
    ["busybox:1", "docker.io/library/busybox:1"],
    ["me/app", "docker.io/me/app:latest"],
    ["index.docker.io/busybox", "docker.io/library/busybox:latest"],
    ["localhost/app", "localhost/app:latest"],
    ["quay.io/a/b", "quay.io/a/b:latest"],
    ["host:5000/a", "host:5000/a:latest"],
    [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`],
  ])("Docker's users write %s for %s", (text, whole) => {
    expect(normalizeReference(text).text).toBe(whole);
  });

  test.each([
    ["docker.io/library/busybox:1", "busybox:1"],
    ["docker.io/me/app:1", "me/app:1"],
    ["quay.io/a:1", "quay.io/a:1"],
  ])("%s is known as %s", (text, name) => {
    expect(familiarName(text)).toBe(name);
  });
});
