// A corner of the machine for a program that takes the whole of it: a network of its own, mounts of its own, and a cgroup of a
// test's that looks like the root of them all. What it mounts and connects is gone with the box; unix sockets and files reach across.
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { removeCgroup } from "./cgroups.js";
import { type Program, type ProgramOptions, type ProgramResult, runProgram, startProgram } from "./program.js";
import { freshNamespace, tempDir } from "./temp.js";
import { Hopeless, until } from "./until.js";

/** Sysfs shows the network namespace of whoever mounts it. `$1` is a folder to work in, `$2` the cgroup's name. */
const MAKE = `set -e
ip link set lo up
mkdir "$1/cgroup"
mount --rbind /sys/fs/cgroup "$1/cgroup"
mount -t sysfs sysfs /sys
if [ -e "$1/cgroup/cgroup.controllers" ]; then
  group="$1/cgroup/$2"
  mkdir "$group" "$group/engine"
  sed -E 's/([a-z]+)/+\\1/g' "$group/cgroup.controllers" > "$group/cgroup.subtree_control"
  mount --bind "$group" /sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
  for hierarchy in "$1/cgroup"/*; do
    name=\${hierarchy##*/}
    group="$hierarchy/$2"
    mkdir "$group" "/sys/fs/cgroup/$name"
    if [ -e "$group/cpuset.cpus" ]; then
      cat "$hierarchy/cpuset.cpus" > "$group/cpuset.cpus"
      cat "$hierarchy/cpuset.mems" > "$group/cpuset.mems"
    fi
    mount --bind "$group" "/sys/fs/cgroup/$name"
  done
  mkdir /sys/fs/cgroup/pids/engine
fi
umount -l "$1/cgroup"
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
echo up
exec cat
`;

/** Goes into the box's cgroup, so that nothing it starts is missed. */
const ENTER = `for group in /sys/fs/cgroup/engine /sys/fs/cgroup/pids/engine; do
  if [ -d "$group" ]; then echo $$ > "$group/cgroup.procs"; fi
done
exec "$@"
`;

export interface Box {
  /** What stands before a command that is to run in it. */
  readonly prefix: readonly [string, ...string[]];
  /** A command in it, to its end. */
  run(command: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  /** The same in the background. */
  start(command: readonly string[], options?: ProgramOptions): Promise<Program>;
}

/** Makes it; needs root. With the scope every process that was started in it ends. */
export async function makeBox(scope: DisposeScope): Promise<Box> {
  const cgroup = freshNamespace(scope);
  const dir = await tempDir(scope);
  // `cat` ends with its input, so with this process.
  const args = ["--net", "--mount", "--propagation", "private", "sh", "-c", MAKE, "box", dir, cgroup];
  scope.defer(() => removeCgroup(join("/", cgroup)));
  const keeper = scope.use(await startProgram("unshare", args, { timeoutMs: 3_600_000 }));
  let hasEnded = false;
  void keeper.result.then(() => {
    hasEnded = true;
  });
  await until("the box", () => {
    if (hasEnded) throw new Hopeless(`no box: ${keeper.stderr()}`);
    return keeper.stdout() !== "";
  });
  const spaces = `/proc/${keeper.pid}/ns`;
  const prefix = ["nsenter", `--net=${spaces}/net`, `--mount=${spaces}/mnt`, "sh", "-c", ENTER, "box"] as const;
  const [file, ...first] = prefix;
  return {
    prefix,
    run: (command, options) => runProgram(file, [...first, ...command], options),
    start: (command, options) => startProgram(file, [...first, ...command], options),
  };
}
