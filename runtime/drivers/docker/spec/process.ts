// The program of a container: what runs where, as whom, with which streams.
import type { Asked, Part } from "./part.js";

const DOCKER_UMASK = 0o022;

export function translateProcess({ spec, options, image, stdio }: Asked): Part {
  const { process } = spec;
  const terminal = process?.terminal === true;
  const hasStdin = stdio.stdin !== "";
  return {
    config: {
      Image: image,
      ...(spec.hostname && { Hostname: spec.hostname }),
      ...command(process?.args ?? [], options.imageDefaults),
      ...((process?.env.length ?? 0) > 0 && { Env: process?.env }),
      ...(process?.cwd && { WorkingDir: process.cwd }),
      ...(process?.user != null && { User: `${process.user.uid}:${process.user.gid}` }),
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
      ...((process?.user?.additionalGids?.length ?? 0) > 0 && { GroupAdd: process?.user?.additionalGids?.map(String) }),
    },
    refused: [
      ...(terminal === stdio.terminal ? [] : ["process.terminal (the task's own is another)"]),
      ...((process?.user?.umask ?? DOCKER_UMASK) === DOCKER_UMASK ? [] : ["process.user.umask"]),
    ],
  };
}

/** An entry point of ours replaces the image's, and then its command as well. */
const command = (args: string[], imageDefaults: boolean): Part["config"] =>
  imageDefaults ? (args.length > 0 ? { Cmd: args } : {}) : { Entrypoint: args, Cmd: [] };
