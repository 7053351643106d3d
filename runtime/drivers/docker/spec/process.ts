// The program of a container: what runs where, as whom, with which streams.
import { isAbsolute } from "node:path";
import { invalidArgument } from "../../../../api/core/errors.js";
import type { DockerOptions } from "../options.js";
import { DEFAULT_UMASK } from "./defaults.js";
import type { OciProcess } from "./oci-spec.js";
import type { Asked, Part } from "./part.js";

/** @throws invalid_argument for a process that no runtime could run. */
export function translateProcess({ spec, options, image, stdio }: Asked): Part {
  const process = spec.process ?? { args: [], env: [] };
  if (!options.imageDefaults || process.args.length > 0) checkProgram(process);
  if (!options.imageDefaults || process.cwd) checkFolder(process.cwd ?? "");
  const terminal = process.terminal === true;
  const hasStdin = stdio.stdin !== "";
  const { user, consoleSize } = process;
  return {
    config: {
      Image: image,
      ...command(process.args, options),
      ...(process.env.length > 0 && { Env: process.env }),
      ...(process.cwd && { WorkingDir: process.cwd }),
      ...userOf(user, options),
      Tty: terminal,
      OpenStdin: hasStdin,
      // So that the program hears the end of its input.
      StdinOnce: hasStdin,
      AttachStdin: hasStdin,
      AttachStdout: true,
      AttachStderr: !terminal,
      // The image's check would be a process that no client of containerd asked for.
      ...(!options.imageDefaults && { Healthcheck: { Test: ["NONE"] } }),
    },
    host: {
      ...(user?.additionalGids?.length && { GroupAdd: user.additionalGids.map(String) }),
      ...(consoleSize && { ConsoleSize: [consoleSize.height, consoleSize.width] }),
    },
    refused: [
      ...(terminal === stdio.terminal ? [] : ["process.terminal (the task's own is another)"]),
      ...((user?.umask ?? DEFAULT_UMASK) === DEFAULT_UMASK ? [] : ["process.user.umask"]),
      // To Docker such an entry takes a variable away, of which only an image can have some.
      ...(process.env.every((entry) => isVariable(entry, options))
        ? []
        : ["process.env (an entry without name or value)"]),
    ],
  };
}

function checkProgram({ args }: Pick<OciProcess, "args">): void {
  const [program] = args;
  if (program === undefined) throw invalidArgument("args must not be empty");
  // Docker would run the image's.
  if (program === "") throw invalidArgument('exec: "": executable file not found in $PATH');
}

function checkFolder(cwd: string): void {
  if (cwd === "") throw invalidArgument("Cwd property must not be empty");
  if (!isAbsolute(cwd)) throw invalidArgument("Cwd must be an absolute path");
}

function isVariable(entry: string, { imageDefaults }: DockerOptions): boolean {
  return entry.indexOf("=") > 0 || (imageDefaults && entry !== "" && !entry.includes("="));
}

/** An entry point of ours replaces the image's, and then its command as well. */
function command(args: string[], { imageDefaults, replaceEntrypoint }: DockerOptions): Part["config"] {
  if (!imageDefaults || (replaceEntrypoint && args.length > 0)) return { Entrypoint: args, Cmd: [] };
  return args.length > 0 ? { Cmd: args } : {};
}

/** Of a spec that says nothing it is root, whoever the image's is. */
function userOf(user: OciProcess["user"], { user: named, imageDefaults }: DockerOptions): Part["config"] {
  if (named !== undefined) return { User: named };
  if (user == null && imageDefaults) return {};
  return { User: `${user?.uid ?? 0}:${user?.gid ?? 0}` };
}
