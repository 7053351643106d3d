// The program whose system calls durability.test.ts watches: it writes containers, alone and many at once, and says in order
// what it has committed, what was answered and which event it was told of. Its syncs it announces as well.
import { fdatasync, writeSync } from "node:fs";
import { join } from "node:path";
import { ContainerCreate } from "../../api/gen/events/container.js";
import { openMetadata } from "../../metadata/index.js";
import { openContentBackend } from "../../runtime/content/backend.js";

const ROUNDS = 10;
const AT_ONCE = 5;
const [root = ""] = process.argv.slice(2);
const say = (line: string) => writeSync(1, `${line}\n`);

const metadata = await openMetadata({
  root,
  content: await openContentBackend({ rootDir: join(root, "content") }),
  fdatasync: (fd, done) => {
    say("SYNC BEGIN");
    fdatasync(fd, (error) => {
      if (error === null) say("SYNC END");
      done(error);
    });
  },
});

let count = 0;

async function write(): Promise<void> {
  const id = `c${count}`;
  count += 1;
  const spec = { typeUrl: "example/Spec", value: Buffer.alloc(6_000) };
  const created = metadata.containers.create({ namespace: "ns" }, { id, runtime: { name: "r" }, spec });
  say(`COMMITTED ${id}`);
  await created;
  say(`REPLY ${id}`);
}

async function listen(events: ReturnType<typeof metadata.events.subscribe>): Promise<void> {
  let told = 0;
  for await (const { event } of events) {
    say(`EVENT ${ContainerCreate.decode(event?.value ?? new Uint8Array()).id}`);
    told += 1;
    if (told === ROUNDS * (1 + AT_ONCE)) return;
  }
}

const listening = listen(metadata.events.subscribe());
for (let round = 0; round < ROUNDS; round += 1) {
  await write();
  await Promise.all(Array.from({ length: AT_ONCE }, write));
}
await listening;
await metadata[Symbol.asyncDispose]();
