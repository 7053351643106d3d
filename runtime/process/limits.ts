// The limits of a process that are set from outside, while it waits to begin.
// @source opencontainers/runc utils_linux.go, getrlimit(2)
import { writeFileSync } from "node:fs";
import { unknownError } from "../../api/core/errors.js";
import { quote } from "../../api/core/quote.js";
import { setResourceLimit } from "../sys/child.js";
import { hasCode } from "../sys/errno.js";
import { systemReason } from "../sys/system-text.js";
import { missingRight } from "./capabilities.js";
import type { OciProcess } from "./spec.js";
import { findTool } from "./tools.js";

/** By the kernel's numbers. */
const RESOURCES = [
  "CPU",
  "FSIZE",
  "DATA",
  "STACK",
  "CORE",
  "RSS",
  "NPROC",
  "NOFILE",
  "MEMLOCK",
  "AS",
  "LOCKS",
  "SIGPENDING",
  "MSGQUEUE",
  "NICE",
  "RTPRIO",
  "RTTIME",
].map((name) => `RLIMIT_${name}`);
const LAUNCHER_DESCRIPTORS = 16;
/** JSON numbers lose the last bits of "infinity", which is the largest of 64. */
const INFINITE_FROM = 2 ** 63;
const INFINITY = 2n ** 64n - 1n;

const toLimit = (value: number): bigint => (value >= INFINITE_FROM ? INFINITY : BigInt(Math.trunc(value)));

/** @throws unknown for a resource that is none. */
export function checkLimits({ rlimits }: OciProcess): void {
  const unknown = rlimits?.find(({ type }) => !RESOURCES.includes(type));
  if (unknown !== undefined) throw unknownError(`wrong rlimit value: ${unknown.type}`);
}

/** The launcher itself needs this many descriptors, whatever the program is to have. */
const isSetLate = (type: string, soft: number): boolean => type === "RLIMIT_NOFILE" && soft < LAUNCHER_DESCRIPTORS;

/** What goes before the program for limits that the launcher could not live with. @throws failed_precondition without prlimit(1). */
export function limitWords({ rlimits }: OciProcess): string[] {
  const late = rlimits?.find(({ type, soft }) => isSetLate(type, soft));
  return late === undefined ? [] : [findTool("prlimit"), `--nofile=${toLimit(late.soft)}:${toLimit(late.hard)}`, "--"];
}

/** @throws permission_denied for more than we have ourselves; unknown for what the kernel does not take. */
export function applyLimits(pid: number, { rlimits, oomScoreAdj }: OciProcess): void {
  for (const { type, soft: wanted, hard } of rlimits ?? []) {
    const soft = isSetLate(type, wanted) ? LAUNCHER_DESCRIPTORS : wanted;
    // To lower it further needs no right that could be missing then.
    if (soft !== wanted && hard < soft) continue;
    try {
      setResourceLimit(pid, RESOURCES.indexOf(type), toLimit(soft), toLimit(hard));
    } catch (error) {
      if (hasCode(error, "EPERM")) throw missingRight(`process.rlimits: a hard ${type} of ${hard}`, "CAP_SYS_RESOURCE");
      throw unknownError(`error setting rlimit ${quote(type)}: ${systemReason(error)}`, error);
    }
  }
  if (oomScoreAdj == null) return;
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(oomScoreAdj));
  } catch (error) {
    if (hasCode(error, "EACCES", "EPERM")) {
      throw missingRight(`process.oomScoreAdj ${oomScoreAdj}`, "CAP_SYS_RESOURCE");
    }
    throw unknownError(`failed to set oom_score_adj: ${systemReason(error)}`, error);
  }
}
