import { defineConfig } from "vitest/config";

// Two projects: unit tests beside their files, in parallel; everything under test/ one file after another, since it runs
// real daemons and containers on one host.
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
          exclude: ["**/node_modules/**", "dist/**"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
