// A terminal as a person sees it: what stands on the screen now, line by line, instead of every byte that was ever written to it. tmux is
// the terminal; each screen has a server of its own.
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { runProgram } from "./program.js";
import { tempDir } from "./temp.js";
import { until } from "./until.js";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Screen {
  /** The lines there are, without blanks at their ends and empty ones below the last. */
  lines(): Promise<string[]>;
  /** The same with the control sequences of colours in it. */
  colours(): Promise<string>;
  /** Whether a program has asked for the whole screen, as editors do. */
  isAlternate(): Promise<boolean>;
  /** Keys as tmux names them (`C-p`, `Enter`), or text. */
  press(...keys: readonly string[]): Promise<void>;
  /** Types text, and Enter. */
  enter(text: string): Promise<void>;
  resize(size: Size): Promise<void>;
  /** Waits until the lines, joined, match; hands back the lines. @throws with what is on the screen instead. */
  waitFor(pattern: RegExp): Promise<string[]>;
}

const PROMPT = "host$ ";

/** Opens a shell on a screen, ended with the scope. Its prompt is `host$ `, and `env` is added to its environment. */
export async function openScreen(
  scope: DisposeScope,
  { columns, rows }: Size = { columns: 160, rows: 24 },
  env: Readonly<Record<string, string>> = {},
): Promise<Screen> {
  const dir = await tempDir(scope);
  const tmux = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runProgram(
      "tmux",
      ["-u", "-f", "/dev/null", "-S", join(dir, "tmux"), ...args],
      {
        env: { TMUX: undefined, LC_ALL: "C.UTF-8" },
      },
    );
    if (code !== 0) throw new Error(`tmux ${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  };
  const variables = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
  await tmux("new-session", "-d", "-x", `${columns}`, "-y", `${rows}`, ...variables, "sh");
  scope.defer(() => tmux("kill-server"));
  const capture = (...args: string[]) => tmux("capture-pane", "-p", ...args);
  const lines = async (): Promise<string[]> =>
    (await capture())
      .trimEnd()
      .split("\n")
      .map((line) => line.trimEnd());
  const press = async (...keys: readonly string[]): Promise<void> => void (await tmux("send-keys", ...keys));
  const screen: Screen = {
    lines,
    colours: () => capture("-e"),
    isAlternate: async () => (await tmux("display-message", "-p", "#{alternate_on}")).trim() === "1",
    press,
    enter: async (text) => {
      await tmux("send-keys", "-l", "--", text);
      await press("Enter");
    },
    resize: async (size) => void (await tmux("resize-window", "-x", `${size.columns}`, "-y", `${size.rows}`)),
    waitFor: async (pattern) => {
      let shown: string[] = [];
      return await until(`${pattern} on the screen`, async () => {
        shown = await lines();
        return pattern.test(shown.join("\n")) ? shown : undefined;
      }).catch((error: unknown) => {
        throw new Error(`the screen shows:\n${shown.join("\n")}`, { cause: error });
      });
    },
  };
  // A shell of root's takes no prompt from its environment.
  await screen.enter(`PS1='${PROMPT}'; clear`);
  await screen.waitFor(/^host\$$/);
  return screen;
}
