// The verbs of `berth snapshots`.
import type { CommandGroup } from "../../command.js";
import { addSnapshotterOption } from "../../snapshotter-flag.js";

export const snapshotsGroup: CommandGroup = {
  name: "snapshots",
  aliases: ["snapshot"],
  summary: "manage snapshots",
  options: addSnapshotterOption,
  verbs: [
    {
      name: "commit",
      aliases: [],
      summary: "make an active snapshot a committed one",
      load: () => import("./commit.js"),
    },
    { name: "diff", aliases: [], summary: "print a difference as a layer", load: () => import("./diff.js") },
    { name: "info", aliases: [], summary: "get info about a snapshot", load: () => import("./info.js") },
    { name: "ls", aliases: ["list"], summary: "list snapshots", load: () => import("./ls.js") },
    {
      name: "mounts",
      aliases: ["m", "mount"],
      summary: "print the commands that mount a snapshot",
      load: () => import("./mounts.js"),
    },
    { name: "prepare", aliases: [], summary: "make a writable snapshot", load: () => import("./prepare.js") },
    { name: "rm", aliases: ["delete", "del", "remove"], summary: "remove snapshots", load: () => import("./rm.js") },
    { name: "label", aliases: [], summary: "set and clear labels", load: () => import("./label.js") },
    { name: "tree", aliases: [], summary: "show what builds on what", load: () => import("./tree.js") },
    { name: "unpack", aliases: [], summary: "unpack the layers of an image", load: () => import("./unpack.js") },
    { name: "usage", aliases: [], summary: "what snapshots take on disk", load: () => import("./usage.js") },
    { name: "view", aliases: [], summary: "make a read-only snapshot", load: () => import("./view.js") },
  ],
};
