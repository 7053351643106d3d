// Puts what is plugged into a port into the container that has it, and takes it out again.
import { failedPrecondition, invalidArgument, isNotFound } from "../../../api/core/errors.js";
import { editDevices } from "../../../runtime/lxd/devices.js";
import type { Tremplin } from "../tremplin.js";
import { withNodes } from "./manager.js";
import { listDeviceNodes } from "./nodes.js";
import { listUsbPorts, type UsbPort } from "./ports.js";

/** The port of this number. @throws failed_precondition when there are no USB ports or LXD has not been started; invalid_argument */
export async function findPort({ engine, sysDir }: Tremplin, port: number): Promise<UsbPort> {
  const ports = engine.isStarted() ? await listUsbPorts(sysDir) : [];
  if (ports.length === 0) throw failedPrecondition("USB manager not ready");
  const found = ports[port - 1];
  if (found === undefined) throw invalidArgument(`Invalid port number ${port}`);
  return found;
}

/**
 * Gives the container what is plugged in now and takes away what is not any more; frees a port that the last of it has left, or whose
 * container is gone. To be called under the port's lock.
 * @throws what LXD refuses a device for
 */
export async function bringUpToDate(tremplin: Tremplin, port: number): Promise<void> {
  const { usb, lxd, names, sysDir } = tremplin;
  const attachment = usb.get(port);
  if (attachment === undefined) return;
  const { container } = attachment;
  const name = (await listUsbPorts(sysDir))[port - 1];
  const nodes = name === undefined ? [] : await listDeviceNodes(sysDir, name);
  const hasLeft = attachment.hasHadNodes && nodes.length === 0;
  try {
    await names.run(container, async () => {
      // The container went while its name was waited for.
      if (usb.get(port) !== attachment) return;
      await editDevices(lxd, container, (devices) => withNodes(devices, port, nodes));
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    usb.free(port);
    return;
  }
  if (hasLeft) usb.free(port);
  else attachment.hasHadNodes ||= nodes.length > 0;
}

/** Takes all of the port out of its container and frees it. To be called under the port's lock. @throws what LXD refuses */
export async function detachPort({ usb, lxd, names }: Tremplin, port: number): Promise<void> {
  const attachment = usb.get(port);
  if (attachment === undefined) return;
  const { container } = attachment;
  try {
    await names.run(container, () => editDevices(lxd, container, (devices) => withNodes(devices, port, [])));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  if (usb.get(port) === attachment) usb.free(port);
}
