// The task service of shims in its versions, which differ in the name of their package only.
import { TaskService } from "../../api/gen/runtime/task/v2/shim.js";

const V2 = "/containerd.task.v2.Task/";
const V3 = "/containerd.task.v3.Task/";

/** The methods of a version; every one below 3 is version 2. */
export function taskApi(version: number): typeof TaskService {
  if (version < 3) return TaskService;
  const entries = Object.entries(TaskService).map(([name, method]) => [
    name,
    { ...method, path: method.path.replace(V2, V3) },
  ]);
  // Only the paths differ, which the generated type spells out as literals.
  return Object.fromEntries(entries) as typeof TaskService;
}
