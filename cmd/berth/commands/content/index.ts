// The verbs of `berth content`.
import type { CommandGroup } from "../../command.js";

export const contentGroup: CommandGroup = {
  name: "content",
  aliases: [],
  summary: "manage content",
  verbs: [
    { name: "active", aliases: [], summary: "list unfinished writes", load: () => import("./active.js") },
    { name: "rm", aliases: ["delete", "del", "remove"], summary: "delete blobs", load: () => import("./rm.js") },
    { name: "edit", aliases: [], summary: "edit a blob, which makes another", load: () => import("./edit.js") },
    { name: "fetch", aliases: [], summary: "fetch an image without unpacking", load: () => import("./fetch.js") },
    {
      name: "fetch-object",
      aliases: [],
      summary: "print an object of a registry",
      load: () => import("./fetch-object.js"),
    },
    { name: "get", aliases: [], summary: "print a blob", load: () => import("./get.js") },
    { name: "ingest", aliases: [], summary: "make a blob of what stands on stdin", load: () => import("./ingest.js") },
    { name: "ls", aliases: ["list"], summary: "list blobs", load: () => import("./ls.js") },
    { name: "push-object", aliases: [], summary: "push a blob to a registry", load: () => import("./push-object.js") },
    { name: "label", aliases: [], summary: "set and clear labels", load: () => import("./label.js") },
    { name: "prune", aliases: [], summary: "let go of what labels hold", load: () => import("./prune.js") },
  ],
};
