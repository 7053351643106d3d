// Devices of a host of files.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { tempDir } from "../../test/helpers/temp.js";
import { hostDevices } from "./host-devices.js";

test("containers are given what is of use to them, and there", async () => {
  await using scope = new DisposeScope();
  const dev = await tempDir(scope);
  const there = ["fuse", "sda", "net/tun", "dri/card0", "dri/by-path", "snd/controlC0", "snd/pcmC0D0p", "snd/pcmC0D0c"];
  for (const name of there) {
    await mkdir(dirname(join(dev, name)), { recursive: true });
    await writeFile(join(dev, name), "");
  }
  const devices = await hostDevices(dev);
  expect(Object.keys(devices)).toEqual(["fuse", "net-tun", "dri-card0", "snd-controlC0", "snd-pcmC0D0p"]);
  expect(devices["net-tun"]).toEqual({
    type: "unix-char",
    source: `${dev}/net/tun`,
    path: "/dev/net/tun",
    mode: "0666",
  });
  expect(await hostDevices(join(dev, "none"))).toEqual({});
});
