import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { listeningPorts, readListeningPorts } from "./listening-ports.js";

/** A line of /proc/net/tcp or tcp6 as far as it counts. */
const line = (local: string, state = "0A"): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 12345 1`;

test.each([
  ["no address", "00000000:0050", 80],
  ["loopback", "0100007F:1F90", 8080],
  ["another address of loopback", "35F1017F:0035", 53],
  ["no address, IPv6", "00000000000000000000000000000000:0051", 81],
  ["loopback, IPv6", "00000000000000000000000001000000:0052", 82],
  ["loopback, IPv4 by IPv6", "0000000000000000FFFF00000100007F:0053", 83],
  ["no address, IPv4 by IPv6", "0000000000000000FFFF000000000000:0054", 84],
])("%s counts", (_, local, port) => {
  expect(listeningPorts(line(local))).toEqual([port]);
});

test.each([
  ["an address of the network", line("055C7364:0050")],
  ["an address of the network, IPv6", line("000080FE00000000FF005450B6AB5E0F:0050")],
  ["an address of the network, IPv4 by IPv6", line("0000000000000000FFFF0000055C7364:0050")],
  ["a connection", line("0100007F:1F90", "01")],
  ["the heading", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"],
  ["nothing", ""],
])("%s does not count", (_, table) => {
  expect(listeningPorts(table)).toEqual([]);
});

test("a port counts once, and they ascend", () => {
  const table = [line("00000000:0052"), line("00000000000000000000000000000000:0052"), line("0100007F:0051")];
  expect(listeningPorts(table.join("\n"))).toEqual([81, 82]);
});

test("those of a process are read; of none they are not", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it listens on TCP
  expect(await readListeningPorts(process.pid)).toContain(port);
  server.close();
  await once(server, "close");
  expect(await readListeningPorts(process.pid)).not.toContain(port);
  await expect(readListeningPorts(2 ** 30)).rejects.toThrow("ENOENT");
});
