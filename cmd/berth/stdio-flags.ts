// The flags about a process's stdio that run, tasks start and tasks exec share.
import { type Command, Option } from "commander";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "./detach-keys.js";

export interface DetachFlags {
  /** The bytes that they send. */
  detachKeys: Uint8Array;
}

export interface StdioFlags extends DetachFlags {
  detach?: boolean;
  nullIo?: boolean;
  logUri?: string;
  fifoDir?: string;
  pidFile?: string;
}

/** `--detach-keys`, of whatever may have a terminal. */
export function addDetachKeysOption(command: Command): void {
  command.addOption(
    new Option("--detach-keys <keys>", 'keys that leave the process running behind, at a terminal; "" for none')
      .env("BERTH_DETACH_KEYS")
      .default(parseDetachKeys(DEFAULT_DETACH_KEYS), DEFAULT_DETACH_KEYS)
      .argParser(parseDetachKeys),
  );
}

export function addStdioOptions(command: Command): void {
  addDetachKeysOption(command);
  command
    .option("-d, --detach", "leave once the process runs")
    .option("--null-io", "no stdio: the process reads and writes /dev/null")
    .option("--log-uri <uri>", "where output goes: file:///path, or binary:///program?key=value")
    .option("--fifo-dir <dir>", "where the named pipes for stdio are made")
    .option("--pid-file <file>", "write the pid of the process to it");
}
