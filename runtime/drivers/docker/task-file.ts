// What a task's bundle remembers, so that another daemon finds the task again: its container, its streams, the pids, how what has
// ended ended.
import * as z from "zod";
import { TaskFile as EngineTaskFile, endSchema, stdioSchema } from "../../engine-driver/task-file.js";
import { execCreateSchema } from "./exec-spec.js";

const execSchema = z.object({
  ...stdioSchema.shape,
  /** What the engine is to be asked for. */
  create: execCreateSchema,
  /** The engine's own id, once it was told of it. */
  dockerExecId: z.string().optional(),
  pid: z.number().int().default(0),
  end: endSchema.optional(),
});

const taskSchema = z.object({
  ...stdioSchema.shape,
  containerId: z.string().min(1),
  pid: z.number().int().default(0),
  end: endSchema.optional(),
  /** Whether Docker may leave out what it cannot express. */
  isLenient: z.boolean().default(false),
  /** Whether the ledger was told that memory ran out. */
  isOomTold: z.boolean().default(false),
  execs: z.record(z.string(), execSchema).default({}),
});

/** An exec, from its registration on. */
export type SavedExec = z.infer<typeof execSchema>;
/** A task. */
export type SavedTask = z.infer<typeof taskSchema>;
export type TaskFile = EngineTaskFile<SavedTask, SavedExec>;

/** Undefined when there is none, as after a create that was cut off. @throws for a file that is none of ours. */
export const readTaskFile = (folder: string): Promise<TaskFile | undefined> => EngineTaskFile.read(folder, taskSchema);

export const createTaskFile = (folder: string, saved: SavedTask): Promise<TaskFile> =>
  EngineTaskFile.create(folder, saved);
