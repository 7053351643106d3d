// Runs snippets of shell from strangers, each in a container of its own that is gone afterwards: runc with little memory, few
// processes, half a CPU, no network, a root file system that cannot be written to, nobody's rights and little time. As root:
//   npx tsx examples/snippet-service.ts ./rootfs 8080        any folder with a /bin/sh in it
//   curl --data 'echo hi; exit 3' http://127.0.0.1:8080
// Containers share the host's kernel. Against attacks on that, name a runtime with a kernel of its own (gVisor, Kata) in `runtime`.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { type Client, createDaemon } from "berthd";

const AT_ONCE = 4;
const SNIPPET_LIMIT_BYTES = 64 * 1024;
const OUTPUT_LIMIT_BYTES = 64 * 1024;
const TIMEOUT_MS = 3_000;
const NOBODY = "65534:65534";
const { BERTH_NAMESPACE: namespace = "snippets" } = process.env;

const [rootfs = "", port = "0"] = process.argv.slice(2);
if (rootfs === "") throw new Error("usage: snippet-service.ts ROOTFS [PORT]");

/** What came of a snippet; `signal` gives up on it. */
async function runSnippet(client: Client, code: string, signal: AbortSignal): Promise<object> {
  await using task = await client.run({
    rootfs: resolve(rootfs),
    args: ["/bin/sh", "-c", code],
    user: NOBODY,
    cwd: "/tmp",
    readOnly: true,
    mounts: [
      {
        destination: "/tmp",
        type: "tmpfs",
        source: "tmpfs",
        options: ["nosuid", "nodev", "size=8m", "uid=65534", "gid=65534"],
      },
    ],
    limits: { memoryBytes: 32 * 1024 * 1024, pids: 16, cpus: 0.5 },
    stdio: { stdin: "ignore" },
    timeoutMs: TIMEOUT_MS,
    lifetime: "daemon",
    signal,
    // No capability at all, not even to be had by a set-uid program.
    editSpec: (spec) => ({
      ...spec,
      process: { ...spec.process, capabilities: { bounding: [], effective: [], permitted: [] } },
    }),
  });
  const { exitStatus, timedOut, truncated, stdout, stderr } = await task.output({ limitBytes: OUTPUT_LIMIT_BYTES });
  return { exitStatus, timedOut, truncated, stdout, stderr };
}

/** @returns undefined when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const length = Number(request.headers["content-length"]);
  return length <= SNIPPET_LIMIT_BYTES ? (await buffer(request)).toString() : undefined;
}

const folder = await mkdtemp(join(tmpdir(), "berth-snippets-"));
const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
try {
  await using daemon = await createDaemon({ root: join(folder, "root"), state: join(folder, "state") });
  await using client = daemon.client({ namespace });
  let running = 0;
  const server = createServer(async (request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json", connection: "close" });
      response.end(`${JSON.stringify(body)}\n`);
    };
    if (request.method !== "POST") return answer(405, { error: "POST a snippet" });
    if (running === AT_ONCE) return answer(503, { error: "too many snippets at once" });
    // A caller that hangs up takes its snippet along.
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    running += 1;
    try {
      const code = await bodyOf(request);
      if (code === undefined) return answer(413, { error: `at most ${SNIPPET_LIMIT_BYTES} bytes, their number told` });
      answer(200, await runSnippet(client, code, AbortSignal.any([gone.signal, stop.signal])));
    } catch (error) {
      if (!gone.signal.aborted) answer(500, { error: String(error) });
    } finally {
      running -= 1;
    }
  });
  server.listen(Number(port), "127.0.0.1");
  await once(server, "listening");
  console.log(`listening on http://127.0.0.1:${Object(server.address()).port}`);
  await new Promise((done) => stop.signal.addEventListener("abort", done, { once: true }));
  server.close();
  await once(server, "close");
} finally {
  await rm(folder, { recursive: true, force: true });
}
