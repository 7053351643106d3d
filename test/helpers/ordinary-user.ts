// An ordinary user with a home and a runtime folder of its own: whoever runs the tests, or a user id that means nobody else when that
// is root. Programs run as this user, with nothing in the environment that the test's own has.
import { chmod, chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { ownProgram } from "./own-program.js";
import { type Program, type ProgramResult, runProgram, startProgram } from "./program.js";
import { tempDir } from "./temp.js";

/** No distribution gives it to anybody. */
const SPARE_ID = 65_531;
const IS_ROOT = process.getuid?.() === 0;

type Name = Parameters<typeof ownProgram>[0];
type Environment = Readonly<Record<string, string | undefined>>;

export interface OrdinaryUser {
  readonly uid: number;
  /** A folder that is the user's, with `home` and `run` in it. */
  readonly dir: string;
  readonly home: string;
  /** `$XDG_RUNTIME_DIR`. */
  readonly runtimeDir: string;
  run(name: Name, args: readonly string[], env?: Environment): Promise<ProgramResult>;
  start(name: Name, args: readonly string[], env?: Environment): Promise<Program>;
}

export async function ordinaryUser(scope: DisposeScope): Promise<OrdinaryUser> {
  const dir = await tempDir(scope);
  const [home, runtimeDir] = [join(dir, "home"), join(dir, "run")];
  const uid = IS_ROOT ? SPARE_ID : (process.getuid?.() ?? -1);
  for (const folder of [home, runtimeDir]) await mkdir(folder, { mode: 0o700 });
  await chmod(dir, 0o755);
  if (IS_ROOT) for (const folder of [dir, home, runtimeDir]) await chown(folder, uid, uid);
  const own = {
    ...Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined])),
    PATH: process.env["PATH"],
    HOME: home,
    XDG_RUNTIME_DIR: runtimeDir,
    TMPDIR: dir,
  };
  const words = (name: Name, args: readonly string[]): [string, string[]] => {
    const [file, ...first] = ownProgram(name);
    if (!IS_ROOT) return [file, [...first, ...args]];
    return ["setpriv", [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", file, ...first, ...args]];
  };
  return {
    uid,
    dir,
    home,
    runtimeDir,
    run: (name, args, env = {}) => runProgram(...words(name, args), { cwd: dir, env: { ...own, ...env } }),
    start: (name, args, env = {}) =>
      startProgram(...words(name, args), { cwd: dir, env: { ...own, ...env }, timeoutMs: 3_600_000 }),
  };
}
