// A task without a container: what a job of io.berth.process.v1 costs a service that uses the library, beside `ctr run --rm` of a
// container that does as little.
import { join } from "node:path";
import { type Client, connect } from "../../api/client/connect.js";
import { createDaemon } from "../../services/daemon.js";
import type { Cli } from "../helpers/cli.js";
import type { Engine } from "../helpers/engine.js";
import { inTurn, median, timeMs } from "./measure.js";
import { figure, type Row } from "./table.js";

export interface ProcessesOptions {
  /** `ctr` on a real containerd. */
  readonly reference: Cli;
  readonly berthd: Engine;
  readonly namespace: string;
  /** Where a daemon of this process's own may work. */
  readonly dir: string;
  readonly rootfs: string;
  readonly rounds: number;
  /** Tasks of each in a round. */
  readonly count: number;
}

const PROGRAM = "/bin/true";

/** The target is a ratio of 3. */
export async function benchProcesses(options: ProcessesOptions): Promise<Row[]> {
  const { reference, berthd, namespace, dir, rootfs, rounds, count } = options;
  await using remote = connect({ address: berthd.address, namespace });
  await using daemon = await createDaemon({ root: join(dir, "own-root"), state: join(dir, "own-state") });
  await using local = daemon.client({ namespace });
  let serial = 0;
  const container = async (): Promise<void> => {
    serial += 1;
    const { code, stderr } = await reference.run(["run", "--rm", "--rootfs", rootfs, `process-${serial}`, PROGRAM]);
    if (code !== 0) throw new Error(`ctr ended with ${code}: ${stderr}`);
  };
  const taskBy = (client: Client) => async (): Promise<void> => {
    await using running = await client.run({ process: true, args: [PROGRAM] });
    const { exitStatus } = await running.wait();
    if (exitStatus !== 0) throw new Error(`the task ended with ${exitStatus}`);
  };
  const rivals = [
    { what: "", work: container, times: [] as number[] },
    { what: "by berthd", work: taskBy(remote), times: [] as number[] },
    { what: "by a daemon in the process", work: taskBy(local), times: [] as number[] },
  ];
  for (const { work } of rivals) await work();
  for (let round = 0; round < rounds; round += 1) {
    for (const { work, times } of inTurn(rivals, round)) {
      for (let index = 0; index < count; index += 1) times.push(await timeMs(work));
    }
  }
  const [theirs = 0, ...ours] = rivals.map(({ times }) => median(times));
  return ours.map((ms, index) => ({
    what: `task of a host process ${rivals[index + 1]?.what}, against ctr run --rm`,
    containerd: `${figure(theirs)} ms`,
    berthd: `${figure(ms)} ms`,
    ratio: theirs / ms,
  }));
}
