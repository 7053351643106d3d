// `events` in the background of a whole life.
import { until } from "../../helpers/until.js";
import { command, type Step, sh, story } from "../step.js";

export const events: readonly Step[] = [
  story(
    "events",
    async ({ cli, rootfs }) => {
      await using listener = await cli.start(["events"]);
      await until("the subscription", async () => {
        await cli.run(["ns", "label", "listening", "now=yes"]);
        return /namespaces\/update/.test(listener.stdout());
      });
      const before = listener.stdout().length;
      await cli.run(["c", "create", "--label", "a=b", "--rootfs", rootfs, "e1", "/bin/sleep", "1000"]);
      await cli.run(["c", "label", "e1", "c=d"]);
      await cli.run(["t", "start", "-d", "--null-io", "e1"]);
      await cli.run(["t", "exec", "--exec-id", "x1", "e1", ...sh("exit 2")]);
      await cli.run(["t", "pause", "e1"]);
      await cli.run(["t", "resume", "e1"]);
      await cli.run(["t", "rm", "-f", "e1"]);
      await cli.run(["c", "rm", "e1"]);
      await until("the last event", () => /containers\/delete/.test(listener.stdout().slice(before)));
      listener.signal("SIGINT");
      await listener.result;
      const lines = listener.stdout().split("\n");
      const told = lines.filter((line) => !line.includes("/namespaces/update"));
      return { code: 0, stdout: told.join("\n"), stderr: "" };
    },
    (text) => text.replace(/("pid"|"exited_at"|"value"):("[^"]*"|\d+)/g, "$1:X"),
  ),
  command(["ns", "rm", "listening"]),
];
