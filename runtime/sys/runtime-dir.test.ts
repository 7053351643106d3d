// Where a user's runtime folder is, and which folders are none.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkRuntimeDir, makeRuntimeDir, runtimeDirOf } from "./runtime-dir.js";

/** A user who has no session here. */
const NOBODY = 4_294_967_293;
const OWN = process.getuid?.() ?? -1;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-runtime-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

test.each([
  [{ XDG_RUNTIME_DIR: "/some/where" }, "/some/where"],
  [{ XDG_RUNTIME_DIR: "some/where" }, `/tmp/berth-${NOBODY}`],
  [{ XDG_RUNTIME_DIR: "" }, `/tmp/berth-${NOBODY}`],
  [{}, `/tmp/berth-${NOBODY}`],
])("%j: %s", (env, want) => {
  expect(runtimeDirOf(NOBODY, env)).toBe(want);
});

describe("a folder", () => {
  test("is made for the user alone, and is fine then", () => {
    const path = join(dir, "run");
    expect(makeRuntimeDir(path, OWN)).toBeUndefined();
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(makeRuntimeDir(path, OWN)).toBeUndefined();
  });

  test("of somebody else is refused", () => {
    const path = join(dir, "run");
    mkdirSync(path, { mode: 0o700 });
    expect(makeRuntimeDir(path, NOBODY)).toBe(
      `${path} must be a folder of uid ${NOBODY} with mode 0700: it is of uid ${OWN} with mode 0700`,
    );
  });

  test("that others may enter is refused", () => {
    const path = join(dir, "run");
    mkdirSync(path);
    chmodSync(path, 0o750);
    expect(makeRuntimeDir(path, OWN)).toMatch(/: it is of uid \d+ with mode 0750$/);
  });

  test("that is a link or a file is refused", () => {
    const [link, file] = [join(dir, "link"), join(dir, "file")];
    mkdirSync(join(dir, "target"), { mode: 0o700 });
    symlinkSync("target", link);
    writeFileSync(file, "");
    for (const path of [link, file]) expect(makeRuntimeDir(path, OWN)).toMatch(/: it is none$/);
  });

  test("that is only looked into may be missing, but not somebody else's", () => {
    const path = join(dir, "run");
    expect(checkRuntimeDir(path, OWN)).toBeUndefined();
    expect(existsSync(path)).toBe(false);
    mkdirSync(path, { mode: 0o700 });
    expect(checkRuntimeDir(path, OWN)).toBeUndefined();
    expect(checkRuntimeDir(path, NOBODY)).toMatch(/must be a folder of uid/);
  });

  test("behind a file is refused", () => {
    writeFileSync(join(dir, "file"), "");
    expect(makeRuntimeDir(join(dir, "file", "run"), OWN)).toMatch(/: it cannot be reached$/);
  });

  test("that cannot be made is refused", () => {
    const path = join(dir, "none", "run");
    expect(makeRuntimeDir(path, OWN)).toMatch(/: there is none$/);
    expect(existsSync(join(dir, "none"))).toBe(false);
  });
});
