// The daemon over its socket, as generated clients see it: who it says it is, what it serves, and that it is well.
import { status as Code, credentials, Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { HealthCheckRequest, HealthClient } from "../../api/gen/grpc/health/v1/health.js";
import { ServerReflectionClient } from "../../api/gen/grpc/reflection/v1/reflection.js";
import { ServerReflectionClient as AlphaClient } from "../../api/gen/grpc/reflection/v1alpha/reflection.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { call, collect, type RawClients, rawClients } from "../helpers/grpc.js";

const scope = new DisposeScope();
let daemon: Berthd;
let clients: RawClients;

beforeAll(async () => {
  daemon = await startBerthd(scope);
  clients = scope.use(rawClients(daemon.address));
});
afterAll(() => scope[Symbol.asyncDispose]());

describe("version and introspection", () => {
  test("tell a version that clients read as semver, and who serves", async () => {
    const { version } = await call(clients.version, clients.version.version, {}, new Metadata());
    expect(version).toMatch(/^1\.7\.\d+\+berth\.\d+\.\d+\.\d+/);
    const server = await call(clients.introspection, clients.introspection.server, {}, new Metadata());
    expect(server.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(server.pid).toBe(BigInt(daemon.pid));
    expect(server.pidns).toBeGreaterThan(0n);
  });

  test("announce what works, and filter it", async () => {
    const plugins = (filters: string[]) =>
      call(clients.introspection, clients.introspection.plugins, { filters }, new Metadata());
    const all = (await plugins([])).plugins;
    expect(all.map(({ type }) => type)).not.toContain("io.containerd.nri.v1");
    const found = (await plugins(["type==io.containerd.runtime.v2, id==task"])).plugins;
    expect(found).toHaveLength(1);
    expect(found[0]?.platforms).toMatchObject([{ os: "linux" }]);
    const [collector] = (await plugins(["type==io.containerd.gc.v1"])).plugins;
    expect(Object.fromEntries(collector?.exports ?? [])).toEqual({
      PauseThreshold: "0.02",
      DeletionThreshold: "0",
      MutationThreshold: "100",
      ScheduleDelay: "0s",
    });
    await expect(plugins(["id=task"])).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: 'filters: parse error: [id >|=|< task]: unsupported operator "=": invalid argument: invalid argument',
    });
  });

  test("know single plugins", async () => {
    const info = (type: string, id: string) =>
      call(clients.introspection, clients.introspection.pluginInfo, { type, id }, new Metadata());
    expect((await info("io.containerd.runtime.v2", "task")).plugin?.id).toBe("task");
    await expect(info("x", "y")).rejects.toMatchObject({
      code: Code.NOT_FOUND,
      details: "plugin x.y not found: not found",
    });
  });
});

describe("health and reflection", () => {
  test("health knows the daemon and nothing else", async () => {
    const health = new HealthClient(`unix:${daemon.address}`, credentials.createInsecure());
    try {
      const check = (service: string) => call(health, health.check, { service }, new Metadata());
      expect((await check("")).status).toBe(1);
      await expect(check("x")).rejects.toMatchObject({ code: Code.NOT_FOUND, details: "unknown service" });
      expect((await call(health, health.list, {}, new Metadata())).statuses.get("")?.status).toBe(1);
      const watch = health.watch(HealthCheckRequest.fromPartial({ service: "x" }));
      watch.on("error", () => {});
      const first = await new Promise<{ status: number }>((resolve) => watch.once("data", resolve));
      expect(first.status).toBe(3);
      watch.cancel();
    } finally {
      health.close();
    }
  });

  // The two versions differ in nothing but their package.
  test.each([
    ["v1", () => new ServerReflectionClient(`unix:${daemon.address}`, credentials.createInsecure())],
    ["v1alpha", () => new AlphaClient(`unix:${daemon.address}`, credentials.createInsecure())],
  ])(
    "reflection %s lists what is served and describes it",
    async (_, connect: () => ServerReflectionClient | AlphaClient) => {
      const client: Pick<ServerReflectionClient, "serverReflectionInfo" | "close"> = connect();
      try {
        const stream = client.serverReflectionInfo();
        stream.write({ host: "", messageRequest: { $case: "listServices", value: "*" } });
        stream.write({
          host: "",
          messageRequest: { $case: "fileContainingSymbol", value: "containerd.services.tasks.v1.Tasks" },
        });
        stream.write({ host: "", messageRequest: { $case: "fileContainingSymbol", value: "no.such.Thing" } });
        stream.end();
        const [list, file, missing] = (await collect(stream)).map(({ messageResponse }) => messageResponse);
        const names =
          list?.$case === "listServicesResponse"
            ? list.value.service.map((service: { name: string }) => service.name)
            : [];
        expect(names).toContain("containerd.services.containers.v1.Containers");
        expect(names).not.toContain("containerd.services.sandbox.v1.Store");
        expect(names.filter((name: string) => /^(chromiumos|vm_tools)/.test(name))).toEqual([]);
        expect(file?.$case === "fileDescriptorResponse" && file.value.fileDescriptorProto.length).toBeGreaterThan(1);
        expect(missing).toMatchObject({ $case: "errorResponse", value: { errorCode: Code.NOT_FOUND } });
      } finally {
        client.close();
      }
    },
  );
});
