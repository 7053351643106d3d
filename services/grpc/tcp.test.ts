// The server on a TCP port: where it listens, and why it cannot.
import { Client, credentials } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { silentLogger } from "../../api/core/log.js";
import { HealthCheckRequest, type HealthCheckResponse, HealthService } from "../../api/gen/grpc/health/v1/health.js";
import { defineHealthService } from "../health/service.js";
import { serveTcp, type TcpServerOptions } from "./tcp.js";

let scope: DisposeScope;

beforeEach(() => {
  scope = new DisposeScope();
});
afterEach(() => scope[Symbol.asyncDispose]());

const start = async (options: Partial<TcpServerOptions> = {}) =>
  scope.use(await serveTcp({ port: 0, services: [defineHealthService()], log: silentLogger, ...options }));

function ask(address: string): Promise<HealthCheckResponse | undefined> {
  const client = new Client(address, credentials.createInsecure());
  scope.defer(() => client.close());
  const { path, requestSerialize, responseDeserialize } = HealthService.check;
  return new Promise((resolve, reject) => {
    const request = HealthCheckRequest.fromPartial({});
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, reply) =>
      error === null ? resolve(reply) : reject(error),
    );
  });
}

test.each([
  ["loopback by default", undefined, /^127\.0\.0\.1:\d+$/],
  ["a name", "localhost", /^(127\.0\.0\.1|\[::1\]):\d+$/],
  ["all of IPv4", "0.0.0.0", /^0\.0\.0\.0:\d+$/],
])("listens at %s", async (_, host, address) => {
  const server = await start(host === undefined ? {} : { host });
  expect(server.address).toMatch(address);
  expect(server.address.endsWith(`:${server.port}`)).toBe(true);
  expect(await ask(server.address.replace("0.0.0.0", "127.0.0.1"))).toMatchObject({ status: 1 });
});

test.each([
  ["port in use", {}, "failed_precondition", /^another server is listening on 127\.0\.0\.1:\d+$/],
  [
    "foreign address",
    { host: "192.0.2.1" },
    "invalid_argument",
    /^cannot listen on 192\.0\.2\.1:\d+: this host has no/,
  ],
  ["port that is none", { port: 65_536 }, "invalid_argument", /^cannot listen on 127\.0\.0\.1:65536: no such port/],
])("a %s is refused", async (_, options, kind, message) => {
  const { port } = await start();
  await expect(start({ port, ...options })).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
});

test("a port is free again when its server has ended", async () => {
  const first = await start();
  await first[Symbol.asyncDispose]();
  await expect(start({ port: first.port })).resolves.toMatchObject({ port: first.port });
});
