// Where a server that is told nothing keeps its things.
import { expect, test } from "vitest";
import { runnerPlaces } from "./cros-tool-runner-server.js";

test.each([
  [
    "root",
    0,
    {},
    {},
    {
      root: "/var/lib/cros-tool-runner",
      state: "/run/cros-tool-runner",
      address: "/run/cros-tool-runner/cros-tool-runner.sock",
    },
  ],
  [
    "a user",
    1000,
    { XDG_DATA_HOME: "/d", XDG_RUNTIME_DIR: "/r" },
    {},
    { root: "/d/cros-tool-runner", state: "/r/cros-tool-runner", address: "/r/cros-tool-runner/cros-tool-runner.sock" },
  ],
  [
    "who names a state folder",
    0,
    {},
    { state: "/s" },
    { root: "/var/lib/cros-tool-runner", state: "/s", address: "/s/cros-tool-runner.sock" },
  ],
  ["who names all", 0, {}, { root: "/a", state: "/b", address: "/c" }, { root: "/a", state: "/b", address: "/c" }],
])("of %s", (_, uid, env, given, places) => {
  expect(runnerPlaces(uid, env, given)).toEqual(places);
});
