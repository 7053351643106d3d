// Runs a program under a pseudo-terminal, as a person at a keyboard would.
import { spawn } from "@lydell/node-pty";
import { Hopeless, until } from "./until.js";

export interface Terminal extends AsyncDisposable {
  readonly pid: number;
  /** Everything it has shown so far, control sequences and carriage returns included. */
  screen(): string;
  type(text: string): void;
  resize(columns: number, rows: number): void;
  /** Waits until the screen matches. @throws after `timeoutMs` (20 s). */
  waitForScreen(pattern: RegExp, timeoutMs?: number): Promise<string>;
  readonly exit: Promise<{ readonly code: number; readonly screen: string }>;
}

export function openTerminal(
  file: string,
  args: readonly string[],
  size: { readonly columns: number; readonly rows: number } = { columns: 80, rows: 24 },
): Terminal {
  const pty = spawn(file, [...args], { name: "xterm", cols: size.columns, rows: size.rows });
  let screen = "";
  let ended = false;
  pty.onData((data) => {
    screen += data;
  });
  const exit = new Promise<{ code: number; screen: string }>((resolve) => {
    pty.onExit(({ exitCode }) => {
      ended = true;
      resolve({ code: exitCode, screen });
    });
  });
  return {
    pid: pty.pid,
    screen: () => screen,
    type: (text) => pty.write(text),
    resize: (columns, rows) => pty.resize(columns, rows),
    waitForScreen: async (pattern, timeoutMs) => {
      await until(
        `${pattern} on the terminal of ${file} ${args.join(" ")}`,
        () => {
          if (pattern.test(screen)) return true;
          if (ended) throw new Hopeless(`it ended with: ${screen}`);
          return false;
        },
        timeoutMs,
      ).catch((error: unknown) => {
        throw new Error(`the terminal shows: ${JSON.stringify(screen)}`, { cause: error });
      });
      return screen;
    },
    exit,
    [Symbol.asyncDispose]: async () => {
      if (!ended) pty.kill("SIGKILL");
      await exit;
    },
  };
}
