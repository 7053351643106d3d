// What a service has written down about its port, as a binding.
import { expect, test } from "vitest";
import { discoverPorts } from "./port-discovery.js";

const ask = (stdout: string, network = "", exitStatus = 0) => {
  const asked: unknown[] = [];
  const execute = async (...args: unknown[]) => {
    asked.push(args.slice(0, 2));
    return { stdout, exitStatus };
  };
  return { asked, bindings: discoverPorts({ id: "abc", network, ipAddress: "10.1.2.3" }, { execute }) };
};

test("the file of the container's user is read by its bash", async () => {
  const { asked, bindings } = ask("4711\n");
  expect(await bindings).toMatchObject([{ containerPort: 4711, protocol: "tcp", hostIp: "10.1.2.3", hostPort: 4711 }]);
  expect(asked).toEqual([["abc", ["/bin/bash", "-c", "source ~/.cftmeta && echo $SERVICE_PORT"]]]);
});

test("on the host's network it is localhost's", async () => {
  expect(await ask("4711\n", "host").bindings).toMatchObject([{ hostIp: "localhost", hostPort: 4711 }]);
});

test.each([
  ["no file", "", 1],
  ["no port in it", "\n", 0],
])("%s, no binding", async (_, stdout, status) => {
  expect(await ask(stdout, "", status).bindings).toEqual([]);
});

test.each(["0", "65536", "-1", "80 81", "x", "0x50"])("%j is no port", async (told) => {
  await expect(ask(told).bindings).rejects.toMatchObject({ kind: "unknown", message: expect.stringContaining(told) });
});
