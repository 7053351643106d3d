import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// Four projects. `unit`: tests beside their files, in parallel. `integration` and `engines`: everything under test/, a few files at a
// time of both together, since it runs real daemons and containers on one host; `engines` are those that start an engine of their
// own (Docker, Podman, LXD) in a network namespace of its own. Each file keeps to its own folder, sockets and containerd namespace,
// and looks for leftovers there alone. `alone`: what cannot be beside others, for the reason that stands there, one file after another.
const ENGINES = [
  "test/integration/{docker,cros-tool-runner,lxd,tremplin}-*.test.ts",
  "test/interop/docker-{events,runtime}.test.ts",
];

const ALONE = [
  // The doctor tells of all pipes of the host that nobody has open, and of all networks without a task.
  "test/integration/doctor{,-files,-host}.test.ts",
  // Bounds on the memory of a daemon, which collects its garbage late on a busy machine.
  "test/integration/slow-parts.test.ts",
];

const NOT_OURS = ["**/node_modules/**", "dist/**"];

/** What takes longest begins first, so that no file is left running when all others are through. */
const LONGEST = [
  "process-tasks",
  "tremplin-lxd",
  "tremplin-debian",
  "docker-run",
  "lxd-driver",
  "script",
  "large-image",
  "run-containers",
  "images",
  "client",
  "examples",
  "tremplin-start",
  "lxd-console",
  "outage",
  "tremplin-export",
  "docker-outage",
  "docker-cli",
  "tremplin-stop",
  "docker-runtime",
  "run-processes",
  "session",
  "logs",
  "terminal",
  "snapshots",
  "package",
  "layers-apart",
  "lxd-tasks",
  "tremplin-transfer-crash",
  "docker-stdio-readers",
  "daily-commands",
  "lxd-outage",
  "docker-podman",
  "container-files",
];

/** The longest first, and files of engines between the others all the way: those mostly wait, and these mostly work. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return found < 0 ? LONGEST.length : found;
    };
    const longestFirst = (await super.sort(files)).sort((a, b) => place(a) - place(b));
    const [engines, others] = [true, false].map((areEngines) =>
      longestFirst.filter(({ project }) => (project.name === "engines") === areEngines),
    );
    return [...spread(engines ?? []), ...spread(others ?? [])].sort((a, b) => a.at - b.at).map(({ file }) => file);
  }
}

/** Each with how far along its own row it stands, from 0 to 1. */
const spread = (files: readonly TestSpecification[]): { file: TestSpecification; at: number }[] =>
  files.map((file, index) => ({ file, at: index / files.length }));

// Tests of both wait for daemons and containers about as long as they work, so one more than there are processors keeps these busy.
const processors = availableParallelism();
const together = {
  maxWorkers: Math.min(processors + 1, 4),
  sequence: { groupOrder: 1 },
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    pool: "forks",
    globalSetup: ["test/setup/environment.ts", "test/setup/leftovers.ts"],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["{api,metadata,runtime,services,cmd,scripts}/**/*.test.ts"],
          exclude: NOT_OURS,
          testTimeout: 20_000,
          maxWorkers: processors,
        },
      },
      {
        extends: true,
        test: {
          ...together,
          name: "integration",
          include: ["test/**/*.test.ts"],
          exclude: [...NOT_OURS, ...ENGINES, ...ALONE],
        },
      },
      { extends: true, test: { ...together, name: "engines", include: ENGINES, exclude: NOT_OURS } },
      {
        extends: true,
        test: {
          name: "alone",
          include: ALONE,
          exclude: NOT_OURS,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
