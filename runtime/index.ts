// The door `berthd/runtime`: the task manager, and what it takes to plug in a driver of one's own.
export type {
  CreateTask,
  DriverDefinition,
  DriverDeps,
  DriverTask,
  RuntimeDriver,
  TaskGone,
} from "./driver.js";
export { runtimeDrivers } from "./drivers/index.js";
export { TaskManager, type TaskManagerDeps } from "./task-manager.js";
