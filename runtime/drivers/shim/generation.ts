// What a shim wants on the stdin of `start`. Up to 2.2 that is the runtime's options as they are; from 2.3 on a message that
// carries them and what used to be flags, which older shims choke on. The binary's version tells which.
// @source containerd core/runtime/v2/shim (BootstrapParams)
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Any } from "../../../api/core/typeurl.js";
import { Any as AnyMessage } from "../../../api/gen/google/protobuf/any.js";
import { runCommand } from "./command.js";

const VERSION_TIMEOUT_MS = 10_000;
/** The first generation that takes bootstrap parameters. */
const PARAMETERS_SINCE = { major: 2, minor: 3 };
const LOG_LEVEL_DEBUG = -4;

export interface BootstrapParams {
  readonly namespace: string;
  readonly id: string;
  readonly debug: boolean;
  readonly address: string;
  readonly ttrpcAddress: string;
  readonly publishBinary: string;
  readonly options: Any | undefined;
}

/** Reads `Version:  1.6.20~ds1`, as shims answer `-v` with. A shim that does not tell counts as an old one. */
export function takesParams(versionText: string): boolean {
  const match = /^\s*Version:\s+v?(\d+)\.(\d+)/m.exec(versionText);
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > PARAMETERS_SINCE.major || (major === PARAMETERS_SINCE.major && minor >= PARAMETERS_SINCE.minor);
}

function encodeAny(any: Any): Uint8Array {
  return AnyMessage.encode(any).finish();
}

/** instance_id = 1, namespace = 2, log_level = 3, ttrpc address = 5, grpc address = 6, binary = 7, extensions = 8 { value = 1 }. */
export function encodeParams(params: BootstrapParams): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, 2).string(params.id);
  writer.tag(2, 2).string(params.namespace);
  if (params.debug) writer.tag(3, 0).int32(LOG_LEVEL_DEBUG);
  writer.tag(5, 2).string(params.ttrpcAddress);
  writer.tag(6, 2).string(params.address);
  writer.tag(7, 2).string(params.publishBinary);
  if (params.options !== undefined) {
    writer.tag(8, 2).bytes(new BinaryWriter().tag(1, 2).bytes(encodeAny(params.options)).finish());
  }
  return writer.finish();
}

/** Knows what each shim binary wants; each is asked once. */
export class ShimGenerations {
  readonly #takesParams = new Map<string, Promise<boolean>>();

  /** The bytes for the stdin of `start`. */
  async startInput(binary: string, params: BootstrapParams): Promise<Uint8Array> {
    let asked = this.#takesParams.get(binary);
    if (asked === undefined) {
      asked = askVersion(binary);
      this.#takesParams.set(binary, asked);
    }
    if (await asked) return encodeParams(params);
    return params.options === undefined ? Buffer.alloc(0) : encodeAny(params.options);
  }
}

async function askVersion(binary: string): Promise<boolean> {
  try {
    const result = await runCommand({
      binary,
      args: ["-v"],
      cwd: "/",
      env: process.env,
      input: Buffer.alloc(0),
      timeoutMs: VERSION_TIMEOUT_MS,
    });
    return result.failure === "" && takesParams(result.stdout.toString());
  } catch {
    // Its `start` will fail with a better text than this could have.
    return false;
  }
}
