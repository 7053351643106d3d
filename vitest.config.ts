import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// Four projects. `unit`: tests beside their files, in parallel. `integration` and `engines`: everything under test/, two files at a
// time of both together, since it runs real daemons and containers on one host; `engines` are those that start an engine of their
// own (Docker, Podman, LXD) in a network namespace of its own. Each file keeps to its own folder, sockets and containerd namespace,
// and looks for leftovers there alone. `alone`: what cannot be beside others, for the reason that stands there, one file after another.
const ENGINES = [
  "test/integration/{docker,cros-tool-runner,lxd,tremplin}-*.test.ts",
  "test/interop/docker-{events,runtime}.test.ts",
];

const ALONE = [
  // The doctor tells of all pipes of the host that nobody has open.
  "test/integration/doctor{,-files}.test.ts",
  // Bounds on the memory of a daemon, which collects its garbage late on a busy machine.
  "test/integration/slow-parts.test.ts",
];

const NOT_OURS = ["**/node_modules/**", "dist/**"];

/** What takes longest begins first, so that no file is left running when all others are through. */
const LONGEST = [
  "tremplin-debian",
  "run-containers",
  "docker-run",
  "process-tasks",
  "large-image",
  "docker-outage",
  "images",
  "outage",
  "client",
  "examples",
  "cli-pull",
  "docker-cli",
  "docker-runtime",
  "run-processes",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return found < 0 ? LONGEST.length : found;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

const together = { maxWorkers: 2, sequence: { groupOrder: 1 }, testTimeout: 120_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    pool: "forks",
    globalSetup: ["test/setup/leftovers.ts"],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["{api,metadata,runtime,services,cmd,scripts}/**/*.test.ts"],
          exclude: NOT_OURS,
          testTimeout: 20_000,
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
