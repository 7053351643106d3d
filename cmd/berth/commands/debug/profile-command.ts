// What the verbs of `berth debug` have in common: the profile comes from berthd's API, or over HTTP from the debug socket of a daemon
// written in Go, and goes to stdout or into a file that only its owner can read.
import { request as httpRequest, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RequestContext } from "../../../../api/core/context.js";
import type { ProfileKind } from "../../../../api/core/debug.js";
import { errorOf, unavailable } from "../../../../api/core/errors.js";
import { ofBerthdOnly } from "../../berthd-only.js";
import { type Command, defineCommand, type Example } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { parseDuration } from "../../flags.js";
import { interruptible } from "../../interrupt.js";
import { wholeFile } from "../../whole-file.js";

interface ProfileFlags {
  debugSocket?: string;
  output?: string;
  /** Milliseconds. */
  seconds?: number;
}

interface ProfileDefinition {
  readonly kind: ProfileKind;
  /** Below `/debug/pprof/`; what takes time is told by `seconds`. */
  readonly path: string;
  /** How long it takes unless a flag says otherwise; undefined for what takes no time. */
  readonly seconds?: number;
  /** For people, so that a terminal may show it. */
  readonly text?: boolean;
  readonly help: string;
  readonly examples: readonly Example[];
}

/** Profiles may show what is in memory. */
const OWNER_ONLY = 0o600;

export function defineProfileCommand(definition: ProfileDefinition): Command {
  const { kind, path, seconds, text, help, examples } = definition;
  return defineCommand<ProfileFlags>({
    help,
    examples,
    options: (command) => {
      command.option("-o, --output <file>", "where it goes, readable for you alone; default: stdout");
      if (seconds === undefined) return;
      const option = command.createOption("-s, --seconds <duration>", "for how long, for example 10s");
      command.addOption(option.argParser(parseDuration).default(seconds * 1000, `${seconds}s`));
    },
    run: async ({ client, request, output }, _args, flags) => {
      const { seconds: durationMs, debugSocket, output: file } = flags;
      if (file === undefined && text !== true && process.stdout.isTTY) {
        throw new UsageError("a profile is nothing for a terminal: name a file by --output, or redirect it");
      }
      await interruptible(request, async (ctx) => {
        const pieces =
          debugSocket === undefined
            ? ofBerthdOnly(
                "profiles without --debug-socket are made",
                client.debug.profile(ctx, kind, durationMs === undefined ? {} : { durationMs }),
              )
            : fromGo(debugSocket, withSeconds(path, durationMs), ctx);
        if (file === undefined) await output.bytes(pieces);
        else await wholeFile(file, (destination) => pipeline(Readable.from(pieces), destination), { mode: OWNER_ONLY });
      });
    },
  });
}

function withSeconds(path: string, durationMs: number | undefined): string {
  return durationMs === undefined ? path : `${path}?seconds=${durationMs / 1000}`;
}

/** @throws unavailable when nobody answers, unknown for another answer than 200. */
async function* fromGo(socketPath: string, path: string, { signal }: RequestContext): AsyncGenerator<Uint8Array> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = httpRequest({ socketPath, path: `/debug/pprof/${path}`, signal }, resolve);
    asked.on("error", (error) => reject(signal?.aborted ? error : unavailable(`debug socket ${socketPath}`, error)));
    asked.end();
  });
  if (answer.statusCode !== 200) {
    answer.resume();
    throw errorOf("unknown", `http get failed with status: ${answer.statusCode} ${answer.statusMessage}`);
  }
  yield* answer;
}
