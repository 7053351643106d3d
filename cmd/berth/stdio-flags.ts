// The flags about a process's stdio that run, tasks start and tasks exec share.
import type { Command } from "commander";

export interface StdioFlags {
  detach?: boolean;
  nullIo?: boolean;
  logUri?: string;
  fifoDir?: string;
  pidFile?: string;
}

export function addStdioOptions(command: Command): void {
  command
    .option("-d, --detach", "leave once the process runs")
    .option("--null-io", "no stdio: the process reads and writes /dev/null")
    .option("--log-uri <uri>", "where output goes: file:///path, or binary:///program?key=value")
    .option("--fifo-dir <dir>", "where the named pipes for stdio are made")
    .option("--pid-file <file>", "write the pid of the process to it");
}
