// The Tremplin service with all that it needs: a box for the LXD that it starts, a listener that writes down what it is told, an image,
// folders. It runs in the test's process, or as the program, which can be killed.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { credentials, Client as GrpcClient } from "@grpc/grpc-js";
import { expect } from "vitest";
import type { Client } from "../../api/client/client.js";
import { connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { Logger } from "../../api/core/log.js";
import { StartLxdProgress_Status, StartLxdResponse_Status, TremplinService } from "../../api/gen/vm_tools/tremplin.js";
import type { TremplinSettings } from "../../services/tremplin/service.js";
import type { Timers } from "../../services/tremplin/timers.js";
import { createTremplinServer } from "../../services/tremplin-server.js";
import { LXD_BUSYBOX, type LxdBox, makeLxdBox } from "./lxd.js";
import { type ImageFiles, makeLxdImage } from "./lxd-image.js";
import { ownProgram } from "./own-program.js";
import { type Program, type ProgramOptions, startProgram } from "./program.js";
import { startTestListener, type TestListener } from "./tremplin-listener.js";
import { until } from "./until.js";

type Methods = typeof TremplinService;
type Rpc = keyof Methods;
type RequestOf<R extends Rpc> = ReturnType<Methods[R]["requestDeserialize"]>;
type ResponseOf<R extends Rpc> = ReturnType<Methods[R]["responseDeserialize"]>;

/** Its calls, each on the wire. What a request does not say is as if it was not there. @throws ServiceError */
export type TremplinCalls = {
  readonly [R in Rpc]: (request?: Partial<RequestOf<R>>) => Promise<ResponseOf<R>>;
};

/** What outlives a server: LXD with its containers, the folders, the listener. */
export interface TremplinWorld extends LxdBox {
  readonly listener: TestListener;
  /** Starts LXD in the box. */
  readonly lxdCommand: readonly [string];
  readonly sharedDir: string;
  /** Archives of a busybox with an init. */
  readonly image: ImageFiles;
}

export interface TestTremplin extends TremplinWorld, TremplinCalls {
  /** Of the daemon, in the service's namespace. */
  readonly client: Client;
  /** StartLxd, and STARTED; then the image is there as {@link LXD_BUSYBOX}. */
  up(): Promise<void>;
}

/** In the process of the test. */
export interface EmbeddedTremplin extends TestTremplin, AsyncDisposable {}

/** As a program. */
export interface TremplinProgram extends TestTremplin {
  readonly program: Program;
  /** SIGKILL and its end; LXD and containers go on. */
  kill9(): Promise<void>;
}

/** More settings of the service. */
export type TremplinOptions = Partial<Omit<TremplinSettings, "lxdDir" | "tokensDir" | "lxdLog">> & {
  readonly timers?: Timers;
  readonly log?: Logger;
};

/** What containers get their addresses of. */
export const TREMPLIN_SUBNET = "100.115.92.193/28";
const NAMESPACE = "tremplin";
const LIFETIME_MS = 600_000;
const CALL_MS = 60_000;
const LAST: readonly StartLxdProgress_Status[] = [StartLxdProgress_Status.STARTED, StartLxdProgress_Status.FAILED];

/** @param lxdEnv variables of LXD's environment */
export async function makeTremplinWorld(
  scope: DisposeScope,
  lxdEnv: Readonly<Record<string, string>> = {},
): Promise<TremplinWorld> {
  const lxd = await makeLxdBox(scope);
  const { dir, box } = lxd;
  const listener = await startTestListener(scope, join(dir, "listener.sock"));
  const sharedDir = join(dir, "shared");
  await mkdir(sharedDir, { mode: 0o755 });
  const variables = Object.entries(lxdEnv).map(([name, value]) => `${name}=${value}`);
  const lxdProgram = join(dir, "start-lxd");
  const words = [...box.prefix, "env", ...variables, "lxd"].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  await writeFile(lxdProgram, `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`, { mode: 0o755 });
  const image = await makeLxdImage(join(dir, "image"));
  return { ...lxd, listener, lxdCommand: [lxdProgram], sharedDir, image };
}

/** Starts the service; LXD is not started by that. It ends with the scope, and LXD with it. */
export async function startTremplin(
  scope: DisposeScope,
  { world, timers, log, ...settings }: TremplinOptions & { readonly world?: TremplinWorld } = {},
): Promise<EmbeddedTremplin> {
  const around = world ?? (await makeTremplinWorld(scope));
  const { dir, lxdDir, lxdCommand, sharedDir, listener } = around;
  const own = new DisposeScope();
  scope.use(own);
  const server = own.use(
    await createTremplinServer(
      { ...places(dir), lxdDir, lxdCommand, sharedDir, listener: listener.address, ...settings },
      { ...(timers !== undefined && { timers }), ...(log !== undefined && { log }) },
    ),
  );
  const client = own.use(server.daemon.client({ namespace: NAMESPACE }));
  const test = testTremplin(around, own.use(tremplinCalls(server.listening)), client);
  return { ...test, [Symbol.asyncDispose]: () => own[Symbol.asyncDispose]() };
}

/** Starts `bin/tremplin serve`; it ends with the scope by SIGTERM. */
export async function startTremplinProgram(
  scope: DisposeScope,
  {
    world,
    args = [],
    env,
  }: { readonly world?: TremplinWorld; readonly args?: readonly string[] } & Pick<ProgramOptions, "env"> = {},
): Promise<TremplinProgram> {
  const around = world ?? (await makeTremplinWorld(scope));
  const { dir, lxdDir, lxdCommand, sharedDir, listener } = around;
  const { root, state, address, berthAddress } = places(dir);
  const [file, ...first] = ownProgram("tremplin");
  const flags = [
    ...["--root", root, "--state", state, "--address", address, "--berth-address", berthAddress],
    ...[
      "--listener",
      listener.address,
      "--lxd-dir",
      lxdDir,
      "--shared-dir",
      sharedDir,
      "--lxd-subnet",
      TREMPLIN_SUBNET,
    ],
    ...["--lxd-program", lxdCommand[0]],
  ];
  const program = await startProgram(file, [...first, "serve", ...flags, ...args], {
    timeoutMs: LIFETIME_MS,
    ...(env !== undefined && { env }),
  });
  scope.defer(() => program.stop());
  const [, listening = ""] = /^server listening at (\S+)\n/.exec(await program.waitForOutput(/\n/)) ?? [];
  const client = scope.use(connect({ address: berthAddress, namespace: NAMESPACE }));
  const calls = scope.use(tremplinCalls(listening));
  const kill9 = async (): Promise<void> => {
    program.signal("SIGKILL");
    await program.result;
  };
  return { ...testTremplin(around, calls, client), program, kill9 };
}

/** The calls of the service at this address. */
export function tremplinCalls(address: string): TremplinCalls & Disposable {
  const grpc = new GrpcClient(address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
  });
  const call = async (rpc: Rpc, request: object = {}): Promise<unknown> => {
    // The definition pairs an RPC's messages; the union over all of them does not.
    const { path, requestDeserialize, requestSerialize, responseDeserialize } = TremplinService[rpc] as unknown as {
      path: string;
      requestDeserialize(bytes: Buffer): object;
      requestSerialize(message: object): Buffer;
      responseDeserialize(bytes: Buffer): unknown;
    };
    const whole = { ...requestDeserialize(Buffer.alloc(0)), ...request };
    return await new Promise((resolve, reject) => {
      grpc.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        whole,
        { deadline: Date.now() + CALL_MS },
        (error, response) => {
          if (error === null) resolve(response);
          else reject(error);
        },
      );
    });
  };
  const rpcs = Object.keys(TremplinService) as Rpc[]; // its own keys
  const calls = Object.fromEntries(rpcs.map((rpc) => [rpc, (request?: object) => call(rpc, request)]));
  return { ...(calls as unknown as TremplinCalls), [Symbol.dispose]: () => grpc.close() };
}

const places = (dir: string) => ({
  root: join(dir, "root"),
  state: join(dir, "state"),
  address: `unix:${join(dir, "t.sock")}`,
  berthAddress: join(dir, "b.sock"),
});

function testTremplin(world: TremplinWorld, calls: TremplinCalls, client: Client): TestTremplin {
  const up = async (): Promise<void> => {
    const { listener, must, image } = world;
    const before = listener.of("updateStartLxdStatus").length;
    const { status, failureReason } = await calls.startLxd();
    expect({ status, failureReason }).toEqual({ status: StartLxdResponse_Status.STARTING, failureReason: "" });
    const last = await until("the end of the start of LXD", () =>
      listener
        .of("updateStartLxdStatus")
        .slice(before)
        .find((each) => LAST.includes(each.status)),
    );
    expect(last).toMatchObject({ status: StartLxdProgress_Status.STARTED, failureReason: "" });
    const aliases = await must(["image", "alias", "list", "--format", "csv"]);
    if (!aliases.includes(LXD_BUSYBOX)) await must(["image", "import", image.unified, "--alias", LXD_BUSYBOX]);
  };
  return { ...world, ...calls, client, up };
}
