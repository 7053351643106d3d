// The commands `call` and `ls` of programs that serve something: what grpc_cli does, for their service. The reply goes to stdout, what is
// said about it to stderr.
import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import { RemoteService, RpcFailure } from "../../api/client/textproto/remote-service.js";
import { MESSAGE_FORMATS, type MessageFormat, type MessageTypes } from "../../api/client/textproto/types.js";
import { ContainerdError } from "../../api/core/errors.js";

export interface LsFlags {
  /** `host:port`, or `unix:path`. */
  readonly address: string;
}

export interface CallFlags extends LsFlags {
  readonly infile?: string;
  readonly format?: string;
}

/** What a program calls when no other service is named. */
export interface CalledService {
  /** With its package. */
  readonly name: string;
  /** More to be said of a failure; the types are there when the server told them. */
  readonly explain?: (failure: RpcFailure, types: MessageTypes | undefined) => string;
}

const EXIT_RPC_FAILED = 1;
const ADDRESS = /^unix:.|.:\d{1,5}$/;

/** Prints the names of the RPCs. @returns the exit code */
export async function ls(called: CalledService, { address }: LsFlags): Promise<number> {
  using service = new RemoteService(checked(address), called.name);
  try {
    const methods = (await service.types()).methods(called.name);
    process.stdout.write(methods.map(({ name }) => `${name}\n`).join(""));
    return 0;
  } catch (error) {
    return tellFailure(called, error);
  }
}

/** @returns the exit code. @throws invalid_argument for a request that is none, not_found for an RPC that the server does not have */
export async function call(
  called: CalledService,
  rpc: string,
  request: string | undefined,
  flags: CallFlags,
): Promise<number> {
  const format = formatOf(flags);
  const source = await readRequest(request, flags.infile);
  const [serviceName, methodName] = parts(called, rpc);
  using service = new RemoteService(checked(flags.address), serviceName);
  process.stderr.write(`connecting to ${flags.address}\n`);
  let types: MessageTypes | undefined;
  try {
    types = await service.types();
    const methods = types.methods(serviceName);
    const method = methods.find(({ name }) => name === methodName);
    if (method === undefined) {
      const known = methods.map(({ name }) => name).join(", ");
      throw new ContainerdError("invalid_argument", `no RPC ${methodName}; there are ${known}`);
    }
    const reply = await service.call(methodName, encode(types, method.input, source, format));
    process.stdout.write(types.print(method.output, reply, format));
    process.stderr.write("Rpc succeeded with OK status\n");
    return 0;
  } catch (error) {
    return tellFailure(called, error, types);
  }
}

/** gRPC would look for anything else in the DNS. @throws invalid_argument */
function checked(address: string): string {
  if (ADDRESS.test(address)) return address;
  throw new ContainerdError("invalid_argument", `--address is unix:PATH or HOST:PORT, not ${JSON.stringify(address)}`);
}

/** `GetNetwork`, `package.Service.GetNetwork` or `package.Service/GetNetwork` as service and method. */
function parts(called: CalledService, rpc: string): readonly [string, string] {
  const end = Math.max(rpc.lastIndexOf("."), rpc.lastIndexOf("/"));
  return end < 0 ? [called.name, rpc] : [rpc.slice(0, end).replace(/^\//, ""), rpc.slice(end + 1)];
}

function formatOf({ format, infile }: CallFlags): MessageFormat {
  if (format === undefined) return infile?.endsWith(".json") === true ? "json" : "textproto";
  const known = MESSAGE_FORMATS.find((each) => each === format);
  if (known !== undefined) return known;
  throw new ContainerdError("invalid_argument", `--format is textproto or json, not ${JSON.stringify(format)}`);
}

interface Source {
  /** "" for the command line. */
  readonly file: string;
  readonly text: string;
}

async function readRequest(request: string | undefined, infile: string | undefined): Promise<Source> {
  if (infile === undefined) return { file: "", text: request ?? "" };
  if (request !== undefined)
    throw new ContainerdError("invalid_argument", "the request comes from --infile or stands behind the RPC, not both");
  if (infile === "-") return { file: "standard input", text: await readAll(process.stdin) };
  try {
    return { file: infile, text: await readFile(infile, "utf8") };
  } catch (error) {
    throw new ContainerdError("invalid_argument", `cannot read ${infile}: ${messageOf(error)}`, { cause: error });
  }
}

function encode(
  types: MessageTypes,
  ...[type, { file, text }, format]: [Parameters<MessageTypes["encode"]>[0], Source, MessageFormat]
): Uint8Array {
  try {
    // Nothing at all is an empty message in either form.
    return types.encode(type, text.trim() === "" && format === "json" ? "{}" : text, format);
  } catch (error) {
    throw new ContainerdError("invalid_argument", `${file === "" ? "request" : file}:${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** In the words of grpc_cli. @throws what no server has said */
function tellFailure(called: CalledService, error: unknown, types?: MessageTypes): number {
  if (!(error instanceof RpcFailure)) throw error;
  process.stderr.write(`Rpc failed with status code ${error.code}, error message: ${error.message}\n`);
  process.stderr.write(called.explain?.(error, types) ?? "");
  return EXIT_RPC_FAILED;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
