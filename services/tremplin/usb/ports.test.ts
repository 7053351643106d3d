import { afterAll, expect, test } from "vitest";
import { DisposeScope } from "../../../api/core/dispose.js";
import { tempDir } from "../../../test/helpers/temp.js";
import { makeUsbTree, type UsbHub } from "../../../test/helpers/usb-tree.js";
import { listUsbPorts } from "./ports.js";

const scope = new DisposeScope();
afterAll(() => scope[Symbol.asyncDispose]());

const portsOf = async (hubs: readonly UsbHub[]): Promise<readonly string[]> => {
  const tree = await makeUsbTree(await tempDir(scope));
  for (const hub of hubs) await tree.addHub(hub);
  await tree.plug(`${hubs[0]?.bus ?? 1}-1`, []);
  return await listUsbPorts(tree.dir);
};

test.each<[string, readonly UsbHub[], readonly string[]]>([
  [
    "those of USB 2 come first",
    [
      { bus: 1, speed: 480, ports: 2 },
      { bus: 2, speed: 5000, ports: 3 },
    ],
    ["1-1", "1-2", "2-1", "2-2", "2-3"],
  ],
  [
    "also where USB 3 has the first bus",
    [
      { bus: 1, speed: 10_000, ports: 1 },
      { bus: 2, speed: 480, ports: 1 },
    ],
    ["2-1", "1-1"],
  ],
  ["other controllers have none", [{ bus: 1, speed: 480, ports: 6, driver: "ehci_hcd" }], []],
  ["older kernels spell it otherwise", [{ bus: 1, speed: 480, ports: 1, driver: "xhci_hcd" }], ["1-1"]],
  [
    "a further controller goes on counting, and buses are numbers",
    [
      { bus: 2, speed: 480, ports: 1 },
      { bus: 3, speed: 5000, ports: 1 },
      { bus: 10, speed: 480, ports: 1, controller: "pci0000:00/0000:00:09.0" },
    ],
    ["2-1", "3-1", "10-1"],
  ],
])("%s", async (_, hubs, ports) => {
  expect(await portsOf(hubs)).toEqual(ports);
});

test("a machine without USB has no ports", async () => {
  expect(await listUsbPorts(await tempDir(scope))).toEqual([]);
});
