// How berth ends when it is not its command that decides: a socket that is not for this user, a reader that has gone.
import { chmod, chown } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { ownProgram } from "../helpers/own-program.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { openTerminal } from "../helpers/terminal.js";

const lacking = requires.root() || requires.binary("setpriv");
const SOMEBODY_ELSE = 65_534;

describe.skipIf(lacking)("berth ends", () => {
  const scope = new DisposeScope();
  let engine: Berthd;

  beforeAll(async () => {
    engine = await startBerthd(scope);
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  test("when its reader leaves, though nothing happens that it could write", async () => {
    const events = [...ownProgram("berth"), "-a", engine.address, "events"];
    const piped = await runProgram("sh", ["-c", '"$@" | head -n 0', "sh", ...events], { timeoutMs: 20_000 });
    expect(piped).toMatchObject({ code: 0, signal: null, stdout: "", stderr: "" });
  });

  test("when nobody reads its help", async () => {
    const piped = await runProgram("sh", ["-c", '"$@" | head -n 0', "sh", ...ownProgram("berth"), "--help"]);
    expect(piped).toMatchObject({ code: 0, signal: null, stdout: "", stderr: "" });
  });

  test("with what it waited for gone from the screen", async () => {
    const [file, ...first] = ownProgram("berth");
    const missing = `${engine.dir}/none.sock`;
    const args = [...first, "-a", missing, "--connect-timeout", "3s", "--color", "never", "ps"];
    await using terminal = openTerminal(file, args);
    await terminal.waitForScreen(/waiting for the daemon \([12] s\)/);
    const { code, screen } = await terminal.exit;
    expect(code).toBe(6);
    const [, after] = screen.split("\r\u001b[Kberth: ");
    expect(after).toMatch(/^failed to dial .*\r\nhint: that socket is the one that --address names; .*\r\n$/);
  });

  describe("with 8 when the socket is not for this user", () => {
    // Root without the capability that opens every door: what any other user is, and still able to read these programs.
    const unprivileged = ["--bounding-set=-dac_override,-dac_read_search", ...ownProgram("berth")];

    beforeAll(async () => {
      await chown(engine.dir, SOMEBODY_ELSE, SOMEBODY_ELSE);
      await chmod(engine.dir, 0o700);
    });

    test.each([
      ["at its first call", []],
      ["when it waits for the daemon", ["--connect-timeout", "500ms"]],
    ])("%s", async (_, flags) => {
      const result = await runProgram("setpriv", [...unprivileged, "-a", engine.address, ...flags, "c", "ls"]);
      expect(result).toEqual({
        code: 8,
        signal: null,
        stdout: "",
        stderr: `berth: failed to dial "${engine.address}": permission denied\nhint: its daemon belongs to another user: try sudo\n`,
      });
    });
  });
});
