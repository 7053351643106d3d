// LXD's instances that bear this daemon's mark, for the doctor.
import type { DriverExamination } from "../../driver.js";
import { type EngineExamination, examineEngine } from "../../engine-driver/examine.js";
import type { EngineFolders } from "../../engine-driver/folders.js";
import { listInstances } from "../../lxd/instances.js";
import type { LxdSide } from "./lxd-side.js";
import { taskOfMarks } from "./names.js";

export function examineLxd(
  { server, roster, owner }: LxdSide,
  folders: EngineFolders,
  examination: DriverExamination,
): ReturnType<typeof examineEngine> {
  const marked: EngineExamination["marked"] = async (signal) => {
    const listed = await listInstances(server, { signal });
    return listed.flatMap((instance) => {
      const name = taskOfMarks(instance, owner);
      if (name === undefined) return [];
      return {
        ...name,
        subject: `instance ${instance.name}`,
        isWanted: () => roster.isWanted(instance, name),
        remove: () => roster.removeOrphan(instance),
      };
    });
  };
  const host = server.socketPath;
  return examineEngine({ ...examination, noun: "instance", host, folders, tasks: () => roster.all(), marked });
}
