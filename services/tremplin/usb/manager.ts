// Which USB port is given to which container, and the instance's devices that follow from it. A device's name says whose port it is, so
// that a later server finds out what an earlier one did.
import { KeyedMutex } from "../../../runtime/keyed-mutex.js";
import type { LxdDevices } from "../../../runtime/lxd/devices.js";
import type { DeviceNode } from "./nodes.js";

const PREFIX = "tremplin-usb-";

export interface Attachment {
  readonly container: string;
  /** Whether anything was plugged in since: when the last of it goes, the port becomes free. */
  hasHadNodes: boolean;
  /** Why the container does not have all of it, as far as that has been told. */
  failure: string | undefined;
}

/** By port number, from 1 on. What belongs to one port is done one after another, under `locks`. */
export class UsbManager {
  readonly locks = new KeyedMutex();
  readonly #attachments = new Map<number, Attachment>();

  get(port: number): Attachment | undefined {
    return this.#attachments.get(port);
  }

  attach(port: number, container: string): Attachment {
    const attachment = { container, hasHadNodes: false, failure: undefined };
    this.#attachments.set(port, attachment);
    return attachment;
  }

  free(port: number): void {
    this.#attachments.delete(port);
  }

  /** Of a container that is gone. */
  freeAllOf(container: string): void {
    for (const [port, attachment] of this.#attachments) if (attachment.container === container) this.free(port);
  }

  ports(): number[] {
    return [...this.#attachments.keys()];
  }
}

/** The device of an instance that makes this node in it, for everybody there. */
export function deviceOf(
  port: number,
  { path, isBlock, major, minor }: DeviceNode,
): readonly [string, LxdDevices[string]] {
  const name = `${PREFIX}${port}-${isBlock ? "b" : "c"}${major}-${minor}`;
  const type = isBlock ? "unix-block" : "unix-char";
  return [name, { type, path, major: String(major), minor: String(minor), mode: "0666" }];
}

/** The port that a device of an instance is of; undefined for one that is none of ours. */
export function portOfDevice(name: string): number | undefined {
  const [, port] = /^tremplin-usb-(\d+)-[bc]\d+-\d+$/.exec(name) ?? [];
  return port === undefined ? undefined : Number(port);
}

/** The table with exactly these nodes of the port; the same object when that is so already. */
export function withNodes(devices: LxdDevices, port: number, nodes: readonly DeviceNode[]): LxdDevices {
  const wanted = new Map(nodes.map((node) => deviceOf(port, node)));
  const isRight = (name: string): boolean => {
    const [want, have] = [wanted.get(name), devices[name]];
    return (
      want !== undefined && have !== undefined && Object.entries(want).every(([key, value]) => have[key] === value)
    );
  };
  const owned = Object.keys(devices).filter((name) => portOfDevice(name) === port);
  if (owned.length === wanted.size && owned.every(isRight)) return devices;
  const others = Object.entries(devices).filter(([name]) => portOfDevice(name) !== port);
  return Object.fromEntries([...others, ...wanted]);
}
