// Sets up what the wrong calls find: a container without a task, one with a running task and an exec that was never started,
// and a lease. Also turns what a call came to into something that can be compared.
import type { ServiceError } from "@grpc/grpc-js";
import type { DisposeScope } from "../../api/core/dispose.js";
import { createCli } from "../helpers/cli.js";
import type { Engine } from "../helpers/engine.js";
import { call, headers, rawClients } from "../helpers/grpc.js";
import { mask } from "./mask.js";
import type { Refusal, World, WrongCall } from "./wrong-calls/wrong-call.js";

async function mustRun(cli: ReturnType<typeof createCli>, ...args: string[]): Promise<void> {
  const result = await cli.run(args);
  if (result.code !== 0) throw new Error(`ctr ${args.join(" ")}: ${result.stderr}`);
}

/** Makes it with `ctr`, whichever the daemon is. The task ends with the scope. */
export async function makeWorld(
  scope: DisposeScope,
  engine: Engine,
  namespace: string,
  rootfs: string,
): Promise<World & { readonly engine: Engine }> {
  const cli = createCli("ctr", engine, namespace);
  const clients = scope.use(rawClients(engine.address));
  await mustRun(cli, "c", "create", "--rootfs", "/no/such/rootfs", "idle", "/bin/true");
  await mustRun(cli, "leases", "create", "--id", "held");
  await mustRun(cli, "run", "-d", "--null-io", "--rootfs", rootfs, "busy", "/bin/sleep", "1000");
  scope.defer(() => cli.run(["t", "rm", "-f", "busy"]));
  const value = Buffer.from(JSON.stringify({ args: ["/bin/true"], cwd: "/" }));
  const spec = { typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Process", value };
  await call(
    clients.tasks,
    clients.tasks.exec,
    { containerId: "busy", execId: "held", stdin: "", stdout: "", stderr: "", terminal: false, spec },
    headers(namespace),
  );
  return { clients, namespace, engine };
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error;
}

/** Code and words of a refusal, places masked; a call that was accepted has code 0 and its reply as words. */
export async function refusalOf(world: World & { readonly engine: Engine }, wrong: WrongCall): Promise<Refusal> {
  const places = { ...world, stateDir: world.engine.stateDir, address: world.engine.address, rootfs: "" };
  try {
    const reply = await wrong.make(world);
    const text = JSON.stringify(reply, (_key, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
    return { code: 0, message: mask(text, places) };
  } catch (error) {
    if (!isServiceError(error)) throw error;
    return { code: error.code, message: mask(error.details, places) };
  }
}
