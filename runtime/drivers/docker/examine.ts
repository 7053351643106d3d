// The engine's containers that bear this daemon's mark, for the doctor.
import type { DriverExamination } from "../../driver.js";
import { type EngineExamination, examineEngine } from "../../engine-driver/examine.js";
import type { EngineFolders } from "../../engine-driver/folders.js";
import type { EngineSide } from "./engine-side.js";
import { ownedBy, taskOfLabels } from "./labels.js";
import { listContainers } from "./views.js";

/** As the engine's own program prints them. */
const SHORT_ID_LENGTH = 12;

export function examineDocker(
  { engine, roster, owner }: EngineSide,
  folders: EngineFolders,
  examination: DriverExamination,
): ReturnType<typeof examineEngine> {
  const marked: EngineExamination["marked"] = async (signal) => {
    const listed = await listContainers(engine, ownedBy(owner), { signal });
    return listed.flatMap((container) => {
      const name = taskOfLabels(container.labels, owner);
      if (name === undefined) return [];
      return {
        ...name,
        subject: `container ${container.containerId.slice(0, SHORT_ID_LENGTH)}`,
        isWanted: () => roster.isWanted(container.containerId, name),
        remove: () => roster.removeOrphan(engine, container),
      };
    });
  };
  return examineEngine({
    ...examination,
    noun: "container",
    host: engine.host,
    folders,
    tasks: () => roster.all(),
    marked,
  });
}
