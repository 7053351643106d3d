// What the daemons say of themselves.
import { maskVersions } from "../mask.js";
import { command, type Step, story } from "../step.js";

export const about: readonly Step[] = [
  command(["version"], maskVersions),
  story("plugins ls", async ({ cli }) => {
    // Which plugins there are is each daemon's own business; the table is not.
    const { code, stdout, stderr } = await cli.run(["plugins", "ls"]);
    const [head = "", ...rows] = stdout.trim().split("\n");
    const services = rows.map((row) => row.trim().split(/ +/)).filter(([type]) => type === "io.containerd.grpc.v1");
    const common = ["containers", "events", "introspection", "leases", "namespaces", "tasks", "version"];
    const shown = common.filter((id) => services.some((row) => row[1] === id && row.at(-1) === "ok"));
    return { code, stdout: `${head.trim().split(/ +/).join(" ")}\n${shown.join(" ")}`, stderr };
  }),
];
