// The list of commands. A command's module is loaded when it is called, or its own help asked for, and not before.
import type { CommandEntry, CommandGroup } from "../command.js";
import { contentGroup } from "./content/index.js";
import { debugGroup } from "./debug/index.js";
import { shimGroup } from "./shim/index.js";
import { snapshotsGroup } from "./snapshots/index.js";

const RM = ["delete", "del", "remove"];

export const GROUPS: readonly CommandGroup[] = [
  {
    name: "containers",
    aliases: ["c", "container"],
    summary: "manage containers",
    verbs: [
      { name: "create", aliases: [], summary: "create container", load: () => import("./containers/create.js") },
      { name: "info", aliases: [], summary: "get info about a container", load: () => import("./containers/info.js") },
      { name: "ls", aliases: ["list"], summary: "list containers", load: () => import("./containers/ls.js") },
      { name: "label", aliases: [], summary: "set and clear labels", load: () => import("./containers/label.js") },
      { name: "rm", aliases: RM, summary: "delete containers", load: () => import("./containers/rm.js") },
      {
        name: "checkpoint",
        aliases: [],
        summary: "make an image of a container as it is",
        load: () => import("./containers/checkpoint.js"),
      },
      {
        name: "restore",
        aliases: [],
        summary: "make a container of a checkpoint",
        load: () => import("./containers/restore.js"),
      },
    ],
  },
  {
    name: "tasks",
    aliases: ["t", "task"],
    summary: "manage tasks",
    verbs: [
      { name: "start", aliases: [], summary: "start a container", load: () => import("./tasks/start.js") },
      { name: "ls", aliases: ["list"], summary: "list tasks", load: () => import("./tasks/ls.js") },
      { name: "attach", aliases: [], summary: "attach to the IO of a task", load: () => import("./tasks/attach.js") },
      { name: "exec", aliases: [], summary: "run one more process in a task", load: () => import("./tasks/exec.js") },
      { name: "kill", aliases: [], summary: "signal a task", load: () => import("./tasks/kill.js") },
      { name: "pause", aliases: [], summary: "pause a task", load: () => import("./tasks/pause.js") },
      { name: "resume", aliases: [], summary: "resume a paused task", load: () => import("./tasks/resume.js") },
      { name: "ps", aliases: [], summary: "list the processes of a task", load: () => import("./tasks/ps.js") },
      { name: "metrics", aliases: ["metric"], summary: "what a task uses", load: () => import("./tasks/metrics.js") },
      { name: "checkpoint", aliases: [], summary: "checkpoint a task", load: () => import("./tasks/checkpoint.js") },
      { name: "rm", aliases: RM, summary: "delete tasks", load: () => import("./tasks/rm.js") },
    ],
  },
  {
    name: "images",
    aliases: ["i", "image"],
    summary: "manage images",
    verbs: [
      { name: "ls", aliases: ["list"], summary: "list images", load: () => import("./images/ls.js") },
      { name: "rm", aliases: RM, summary: "remove images by name", load: () => import("./images/rm.js") },
      { name: "tag", aliases: [], summary: "name an image once more", load: () => import("./images/tag.js") },
      { name: "label", aliases: [], summary: "set and clear labels", load: () => import("./images/label.js") },
      { name: "check", aliases: [], summary: "see if images are whole", load: () => import("./images/check.js") },
      { name: "usage", aliases: [], summary: "what an image takes on disk", load: () => import("./images/usage.js") },
      { name: "pull", aliases: [], summary: "pull an image from a registry", load: () => import("./images/pull.js") },
      { name: "push", aliases: [], summary: "push an image to a registry", load: () => import("./images/push.js") },
      { name: "mount", aliases: [], summary: "mount an image", load: () => import("./images/mount.js") },
      { name: "unmount", aliases: [], summary: "unmount an image", load: () => import("./images/unmount.js") },
      {
        name: "convert",
        aliases: [],
        summary: "put an image in another form",
        load: () => import("./images/convert.js"),
      },
      { name: "import", aliases: [], summary: "import an archive", load: () => import("./images/import.js") },
      { name: "export", aliases: [], summary: "export an archive", load: () => import("./images/export.js") },
    ],
  },
  contentGroup,
  snapshotsGroup,
  {
    name: "spec",
    aliases: [],
    summary: "what containers are told to run",
    verbs: [
      { name: "show", aliases: [], summary: "print a container's spec", load: () => import("./spec/show.js") },
      { name: "edit", aliases: [], summary: "change a container's spec", load: () => import("./spec/edit.js") },
      { name: "validate", aliases: ["check"], summary: "find faults", load: () => import("./spec/validate.js") },
    ],
  },
  {
    name: "namespaces",
    aliases: ["ns", "namespace"],
    summary: "manage namespaces",
    verbs: [
      { name: "create", aliases: ["c"], summary: "create a namespace", load: () => import("./namespaces/create.js") },
      { name: "ls", aliases: ["list"], summary: "list namespaces", load: () => import("./namespaces/ls.js") },
      { name: "label", aliases: [], summary: "set and clear labels", load: () => import("./namespaces/label.js") },
      { name: "rm", aliases: RM, summary: "remove namespaces", load: () => import("./namespaces/rm.js") },
    ],
  },
  {
    name: "leases",
    aliases: ["lease"],
    summary: "manage leases",
    verbs: [
      { name: "create", aliases: [], summary: "create lease", load: () => import("./leases/create.js") },
      { name: "ls", aliases: ["list"], summary: "list leases", load: () => import("./leases/ls.js") },
      { name: "rm", aliases: RM, summary: "delete leases", load: () => import("./leases/rm.js") },
    ],
  },
  {
    name: "gc",
    aliases: [],
    summary: "free what nothing holds, and see what holds a thing",
    verbs: [
      { name: "run", aliases: [], summary: "run the garbage collector", load: () => import("./gc/run.js") },
      { name: "explain", aliases: [], summary: "why something is still there", load: () => import("./gc/explain.js") },
    ],
  },
  {
    name: "plugins",
    aliases: ["plugin"],
    summary: "what the daemon consists of",
    verbs: [{ name: "ls", aliases: ["list"], summary: "list plugins", load: () => import("./plugins/ls.js") }],
  },
  {
    name: "oci",
    aliases: [],
    summary: "OCI tools",
    verbs: [
      { name: "spec", aliases: [], summary: "the spec of a container by default", load: () => import("./oci/spec.js") },
    ],
  },
  shimGroup,
  debugGroup,
];

export const COMMANDS: readonly CommandEntry[] = [
  { name: "run", aliases: [], summary: "run a container", load: () => import("./run.js") },
  { name: "attach", aliases: [], summary: "attach to the IO of a task", load: () => import("./tasks/attach.js") },
  { name: "exec", aliases: [], summary: "run one more process in a task", load: () => import("./tasks/exec.js") },
  { name: "logs", aliases: [], summary: "what tasks have written", load: () => import("./logs.js") },
  { name: "inspect", aliases: [], summary: "all that is known of something", load: () => import("./inspect.js") },
  { name: "ps", aliases: [], summary: "containers and how they are", load: () => import("./ps.js") },
  { name: "stats", aliases: [], summary: "what tasks use, live", load: () => import("./stats.js") },
  { name: "top", aliases: [], summary: "the processes of tasks, live", load: () => import("./top.js") },
  { name: "wait", aliases: [], summary: "wait until tasks have ended", load: () => import("./wait.js") },
  { name: "exits", aliases: [], summary: "how tasks ended and why", load: () => import("./exits.js") },
  { name: "stop", aliases: [], summary: "end tasks in order", load: () => import("./stop.js") },
  { name: "restart", aliases: [], summary: "end tasks and start them again", load: () => import("./restart.js") },
  { name: "cp", aliases: [], summary: "copy files into and out of containers", load: () => import("./cp.js") },
  { name: "diff", aliases: [], summary: "what a container has changed", load: () => import("./diff.js") },
  { name: "commit", aliases: [], summary: "make an image of a container", load: () => import("./commit.js") },
  { name: "events", aliases: ["event"], summary: "show events as they happen", load: () => import("./events.js") },
  { name: "install", aliases: [], summary: "install programs of an image", load: () => import("./install.js") },
  { name: "doctor", aliases: [], summary: "find and mend what does not fit", load: () => import("./doctor.js") },
  { name: "completion", aliases: [], summary: "completion for a shell", load: () => import("./completion.js") },
  { name: "version", aliases: [], summary: "client and server versions", load: () => import("./version.js") },
];
