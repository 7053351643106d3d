// Follows USB devices that come and go at the ports that containers have. Nothing is looked at while no port is attached.
import { editDevices, type LxdDevices } from "../../../runtime/lxd/devices.js";
import { listInstances } from "../../../runtime/lxd/instances.js";
import { reasonOf } from "../failure.js";
import { isInternalName } from "../names.js";
import type { Tremplin } from "../tremplin.js";
import { bringUpToDate } from "./attach.js";
import { portOfDevice } from "./manager.js";

const LOOK_MS = 1_000;

/** Resolves when it watches: the ports that an earlier server attached first. */
export async function watchUsb(tremplin: Tremplin): Promise<AsyncDisposable> {
  const { timers, usb } = tremplin;
  await takeOver(tremplin);
  const looking = new Map<number, Promise<void>>();
  const timer = timers.every(LOOK_MS, () => {
    for (const port of usb.ports()) {
      // One that waits for its container is not waited for by the others.
      if (looking.has(port)) continue;
      const look = lookAt(tremplin, port).finally(() => looking.delete(port));
      looking.set(port, look);
    }
  });
  return {
    [Symbol.asyncDispose]: async () => {
      timer[Symbol.dispose]();
      await Promise.all(looking.values());
    },
  };
}

/** Never rejects; the same failure is logged once. */
async function lookAt(tremplin: Tremplin, port: number): Promise<void> {
  const { usb, log, ending } = tremplin;
  const attachment = usb.get(port);
  try {
    await usb.locks.run(String(port), () => bringUpToDate(tremplin, port), ending);
    if (attachment !== undefined) attachment.failure = undefined;
  } catch (err) {
    const failure = reasonOf(err);
    if (ending.aborted || attachment === undefined || attachment.failure === failure) return;
    attachment.failure = failure;
    log.warn({ port, container: attachment.container, err }, "cannot give a container what is plugged in");
  }
}

/** Devices of instances tell what was attached. Two containers cannot have one port: the second loses it. */
async function takeOver({ lxd, usb, log }: Tremplin): Promise<void> {
  for (const { name, devices } of await listInstances(lxd)) {
    if (isInternalName(name)) continue;
    const ports = new Set(Object.keys(devices).map(portOfDevice));
    ports.delete(undefined);
    for (const port of ports) {
      if (port === undefined) continue;
      const owner = usb.get(port)?.container;
      if (owner === undefined) usb.attach(port, name).hasHadNodes = true;
      else if (owner !== name) {
        await editDevices(lxd, name, (all) => withoutPort(all, port)).catch((err: unknown) =>
          log.warn({ port, container: name, err }, "cannot take a port away that another container has"),
        );
      }
    }
  }
}

const withoutPort = (devices: LxdDevices, port: number): LxdDevices =>
  Object.fromEntries(Object.entries(devices).filter(([name]) => portOfDevice(name) !== port));
