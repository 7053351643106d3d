// The other side of Tremplin as a server: takes everything that a listener is told, and agrees. For people who want to see it.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { MessageTypes } from "../api/client/textproto/types.js";
import { DisposeScope } from "../api/core/dispose.js";
import { defineService } from "../api/core/handler.js";
import { type Logger, silentLogger } from "../api/core/log.js";
import { EmptyMessage, TremplinListenerService } from "../api/gen/vm_tools/tremplin.js";
import { type PlacedServer, parsePlace, serveAt } from "./grpc/place.js";
import { defineHealthService } from "./health/service.js";
import { defineReflectionServices } from "./reflection/service.js";

const SERVICE = "vm_tools.tremplin.TremplinListener";
const DESCRIPTORS = fileURLToPath(new URL("../api/gen/api.binpb", import.meta.url));

/** One call. */
export interface Told {
  /** `UpdateCreateStatus` */
  readonly method: string;
  /** Its message as textproto, every line with its newline; "" for an empty one. */
  readonly textproto: string;
  /** The same as JSON. */
  readonly json: string;
}

export interface ListenerServerDeps {
  /** Called before the call is answered. Must not throw. */
  readonly onTold: (told: Told) => void;
  readonly log?: Logger;
}

/**
 * Serves until disposed.
 * @param address `unix:PATH`, or `HOST:PORT`, which is of this host only without a HOST
 * @throws failed_precondition when somebody else serves there; invalid_argument; permission_denied
 */
export async function createListenerServer(
  address: string,
  { onTold, log = silentLogger }: ListenerServerDeps,
): Promise<PlacedServer> {
  const place = parsePlace(address);
  await using scope = new DisposeScope();
  const types = MessageTypes.ofImage(await readFile(DESCRIPTORS));
  const tell = (path: string, encoded: Uint8Array): void => {
    const method = types.methods(SERVICE).find(({ name }) => path.endsWith(`/${name}`));
    if (method === undefined) return;
    const { name, input } = method;
    onTold({
      method: name,
      textproto: types.print(input, encoded, "textproto"),
      json: types.print(input, encoded, "json"),
    });
  };
  const taking =
    <Message>(method: { readonly path: string; readonly requestSerialize: (message: Message) => Buffer }) =>
    async (message: Message): Promise<EmptyMessage> => {
      tell(method.path, method.requestSerialize(message));
      return EmptyMessage.fromPartial({});
    };
  const listener = defineService(TremplinListenerService, {
    tremplinReady: taking(TremplinListenerService.tremplinReady),
    updateStartLxdStatus: taking(TremplinListenerService.updateStartLxdStatus),
    updateCreateStatus: taking(TremplinListenerService.updateCreateStatus),
    updateDeletionStatus: taking(TremplinListenerService.updateDeletionStatus),
    updateStartStatus: taking(TremplinListenerService.updateStartStatus),
    updateStopStatus: taking(TremplinListenerService.updateStopStatus),
    updateExportStatus: taking(TremplinListenerService.updateExportStatus),
    updateImportStatus: taking(TremplinListenerService.updateImportStatus),
    containerShutdown: taking(TremplinListenerService.containerShutdown),
    updateListeningPorts: taking(TremplinListenerService.updateListeningPorts),
    upgradeContainerStatus: taking(TremplinListenerService.upgradeContainerStatus),
  });
  const services = [listener, defineHealthService()];
  const reflection = defineReflectionServices({ descriptorsPath: DESCRIPTORS, services, knows: "needed" });
  const server = scope.use(await serveAt(place, { services: [...services, ...reflection], log }));
  const owned = scope.release();
  return { address: server.address, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}
