// What a shim's `start` prints: where it listens and what it speaks. Three generations of shims, three forms.
// @source containerd core/runtime/v2/shim.go (parseStartResponse)
import { BinaryReader } from "@bufbuild/protobuf/wire";
import * as z from "zod";
import { unknownError } from "../../../api/core/errors.js";

/** Where a shim is to be reached. */
export interface ShimAddress {
  /** `unix:///…`. */
  readonly address: string;
  /** Of the task service: 2 or 3. */
  readonly version: number;
}

const MAX_VERSION = 3;

const jsonSchema = z.object({ version: z.number().int().min(2), address: z.string().min(1), protocol: z.string() });
type Parameters = z.infer<typeof jsonSchema>;

/** The protobuf form: version = 1, address = 2, protocol = 3. undefined when the bytes are something else. */
function decodeResult(bytes: Uint8Array): Parameters | undefined {
  const result = { version: 0, address: "", protocol: "" };
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field === 1 && wireType === 0) result.version = reader.int32();
      else if (field === 2 && wireType === 2) result.address = reader.string();
      else if (field === 3 && wireType === 2) result.protocol = reader.string();
      else reader.skip(wireType);
    }
  } catch {
    return undefined;
  }
  return jsonSchema.safeParse(result).data;
}

function decodeJson(text: string): Parameters | undefined {
  try {
    return jsonSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Reads what `start` printed, or a bootstrap.json or address file. @throws kind unknown for what cannot be served. */
export function parseShimAddress(output: Uint8Array): ShimAddress {
  const text = Buffer.from(output).toString().trim();
  const { version, address, protocol } = decodeResult(output) ??
    decodeJson(text) ?? { version: 2, address: text, protocol: "ttrpc" };
  if (version > MAX_VERSION) {
    throw unknownError(`unsupported shim version (${version}): not implemented`);
  }
  if (protocol !== "ttrpc") throw unknownError(`unsupported shim protocol ${JSON.stringify(protocol)}`);
  if (!address.startsWith("unix://")) throw unknownError(`unsupported shim address ${JSON.stringify(address)}`);
  return { address, version };
}

/** The socket's path. */
export function socketPath(address: ShimAddress): string {
  return address.address.slice("unix://".length);
}
