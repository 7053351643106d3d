// What a task's bundle remembers, so that another daemon finds the task again: its instance, its streams, the pids, how what has ended
// ended.
import * as z from "zod";
import { TaskFile as EngineTaskFile, endSchema, stdioSchema } from "../../engine-driver/task-file.js";

const execSchema = z.object({
  ...stdioSchema.shape,
  command: z.tuple([z.string()], z.string()),
  env: z.record(z.string(), z.string()),
  uid: z.number().int(),
  gid: z.number().int(),
  /** "" for the user's home. */
  cwd: z.string(),
  /** Whether it was handed to LXD. */
  isStarted: z.boolean().default(false),
  pid: z.number().int().default(0),
  end: endSchema.optional(),
});

const taskSchema = z.object({
  ...stdioSchema.shape,
  /** Name at LXD. */
  instance: z.string().min(1),
  /** What LXD knows it by, whatever its name is. */
  uuid: z.string(),
  /** Whether the instance was there before the task, and is to stay. */
  isAdopted: z.boolean(),
  /** Whether LXD was asked to start it, or has it running. */
  isStarted: z.boolean(),
  pid: z.number().int().default(0),
  end: endSchema.optional(),
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
