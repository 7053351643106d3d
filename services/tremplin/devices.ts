// The devices that a container is started with: its token, by which what runs inside shows the host whose it is, and nothing left over.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { editDevices, type LxdDevices } from "../../runtime/lxd/devices.js";
import type { Tremplin } from "./tremplin.js";
import { portOfDevice } from "./usb/manager.js";

const TOKEN_DEVICE = "container_token";
const TOKEN_PATH = "/dev/.container_token";

const tokenFile = ({ tokensDir }: Tremplin, name: string): string => join(tokensDir, `${name}_token`);

/**
 * Takes the container's own devices away, and gives it its token; none for an empty one. Those of its profiles stay, a root disk, and
 * what is plugged into the USB ports that it has.
 */
export async function setUpDevices(
  tremplin: Tremplin,
  name: string,
  token: string,
  signal: AbortSignal,
): Promise<void> {
  await removeToken(tremplin, name);
  if (token !== "") {
    // Users of a container are strangers outside, so the file is for all to read, and the folder for nobody.
    await mkdir(tremplin.tokensDir, { recursive: true, mode: 0o700 });
    await writeFile(tokenFile(tremplin, name), token, { mode: 0o644, flag: "wx" });
  }
  await editDevices(
    tremplin.lxd,
    name,
    (devices) => {
      const isKept = ([device, { type, path }]: [string, LxdDevices[string]]): boolean => {
        const port = portOfDevice(device);
        return port === undefined ? type === "disk" && path === "/" : tremplin.usb.get(port)?.container === name;
      };
      const kept = Object.entries(devices).filter(isKept);
      // Somebody else may start it when the token is long gone.
      const device = { type: "disk", source: tokenFile(tremplin, name), path: TOKEN_PATH, required: "false" };
      return { ...Object.fromEntries(kept), ...(token !== "" && { [TOKEN_DEVICE]: device }) };
    },
    { signal },
  );
}

/** A token that is not there does not matter. */
export async function removeToken(tremplin: Tremplin, name: string): Promise<void> {
  await rm(tokenFile(tremplin, name), { force: true });
}
