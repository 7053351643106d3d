// Records of containers: made from flags, listed by filters, shown, labelled, removed. Leaves `c1`, which sleeps once it runs.
import { sortLabels } from "../mask.js";
import { command, inRootfs, type Step } from "../step.js";

export const containers: readonly Step[] = [
  command(inRootfs(["c", "create", "--label", "a=b", "--label", "z=y"], ["c1", "/bin/sleep", "1000"])),
  command(inRootfs(["c", "create"], ["c1", "/bin/true"])),
  command(inRootfs(["c", "create"], ["bad id", "/bin/true"])),
  command(
    inRootfs(
      [
        ...["c", "create", "--env", "A=1", "--cwd", "/tmp", "--read-only", "--memory-limit", "50000000", "--tty"],
        ...["--mount", "type=bind,src=/tmp,dst=/host,options=rbind:ro", "--cap-add", "CAP_SYS_TIME"],
        ...["--cap-drop", "CAP_KILL"],
      ],
      ["c2", "/bin/sh"],
    ),
  ),
  command(inRootfs(["c", "create", "--runtime", "io.example.other.v1"], ["c3", "/bin/true"])),
  command(["c", "ls"]),
  command(["c", "ls", "-q"]),
  command(["c", "ls", "-q", "labels.a==b"]),
  command(["c", "ls", "-q", "id~=^c[12]$"]),
  command(["c", "ls", "-q", "id==c1", "runtime.name==io.example.other.v1"]),
  command(["c", "ls", "labels.a==nothing"]),
  command(["c", "ls", "-q", "labels.a=b"]),
  command(["c", "info", "c1"]),
  command(["c", "info", "c2"]),
  command(["c", "info", "missing"]),
  command(["c", "label", "c1", "foo=bar/baz", "a="], sortLabels),
  command(["c", "label", "missing", "foo=bar"]),
  command(["c", "ls", "-q", 'labels."foo"=="bar/baz"']),
  command(["c", "rm", "c2", "c3"]),
  command(["c", "rm", "c2"]),
  command(["c", "ls"]),
];
