import { defineConfig } from "vitest/config";

// Three projects: unit tests beside their files, in parallel; everything under test/ one file after another, since it runs
// real daemons and containers on one host; of that, what starts an engine of its own (Docker, Podman, LXD) in a network
// namespace of its own, two files at a time.
const ENGINES = [
  "test/integration/{docker,cros-tool-runner,lxd,tremplin}-*.test.ts",
  "test/interop/docker-{events,runtime}.test.ts",
];

export default defineConfig({
  test: {
    pool: "forks",
    globalSetup: ["test/setup/leftovers.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["{api,metadata,runtime,services,cmd,scripts}/**/*.test.ts"],
          exclude: ["**/node_modules/**", "dist/**"],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/**/*.test.ts"],
          exclude: ["**/node_modules/**", "dist/**", ...ENGINES],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: "engines",
          include: ENGINES,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
