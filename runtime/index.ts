// The door of the runtime room: the task manager, the drivers it comes with, and what a driver of one's own must be.
export type {
  CreateTask,
  DriverDefinition,
  DriverDeps,
  DriverImages,
  DriverTask,
  RegistryLogin,
  RuntimeDriver,
  TaskGone,
} from "./driver.js";
export { FAKE_RUNTIME, FakeWorld, fakeDriver } from "./drivers/fake/driver.js";
export { runtimeDrivers } from "./drivers/index.js";
export { TaskManager, type TaskManagerDeps } from "./task-manager.js";
