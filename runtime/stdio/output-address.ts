// Where a client's stdout leads, looked at once for both streams.
import { wrapError } from "../../api/core/errors.js";
import { makeLogFile } from "./log-file.js";
import { parseStdioAddress, type StdioAddress } from "./stdio-address.js";

/** A file that has an address is there afterwards. @throws unknown for an address of no known kind. */
export function outputAddress(stdout: string): StdioAddress {
  try {
    const address = parseStdioAddress(stdout);
    if (address.kind === "file") makeLogFile(address.path);
    return address;
  } catch (error) {
    throw wrapError("failed to create init process I/O", error);
  }
}
