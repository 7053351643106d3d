// berth exits: how tasks ended and why, also those of containers that are deleted.

import { formatDuration } from "../../../api/core/duration.js";
import type { ExitRecord } from "../../../api/core/exit-record.js";
import { formatTime } from "../../../api/core/time.js";
import { ofBerthdOnly } from "../berthd-only.js";
import { type CommandContext, defineCommand } from "../command.js";
import { parseLimit } from "../flags.js";
import type { Column, Listing } from "../output.js";
import { renderSince } from "../render/age.js";
import { whoAsked, whyItEnded } from "../render/exit.js";
import { shortTime } from "../render/time.js";
import { timeRangeOptions } from "../time-flag.js";

interface ExitsFlags {
  since?: bigint;
  limit?: number;
  execs?: boolean;
}

export const command = defineCommand<ExitsFlags>({
  arguments: "[container]",
  completes: ["container"],
  lists: true,
  watches: true,
  examples: [
    { line: "berth exits", does: "the ends of all tasks of the namespace, newest first" },
    { line: "berth exits web", does: "those of one container, the last one with what it printed" },
    { line: "berth exits --since 1h --format jsonl", does: "of the last hour, for a program" },
  ],
  help: `berthd remembers how each task ended for 30 days, 10,000 of them, also when the container is deleted: status, signal and want of
memory as far as they can be known, who asked for the end, and the last lines of a task whose output was kept. Of one container on a
terminal the last end is told in full.`,
  options: (command) => {
    for (const option of timeRangeOptions("exits")) if (option.long === "--since") command.addOption(option);
    command.option("-n, --limit <count>", "at most that many", parseLimit).option("--execs", "those of execs as well");
  },
  run: async (context, [containerId], { since, limit, execs = false }) => {
    const { client, request, output } = context;
    if (limit === 0) return;
    const options = { containerId, sinceNs: since, limit, execs };
    const records: ExitRecord[] = [];
    for await (const record of ofBerthdOnly("exits are kept", client.exits.list(request, options)))
      records.push(record);
    const [last] = records;
    const isStory = containerId !== undefined && output.isTable && !output.quiet && process.stdout.isTTY;
    if (isStory && last !== undefined) tell(context, last);
    output.list(records, listing(execs));
  },
});

function listing(withExecs: boolean): Listing<ExitRecord> {
  const execColumn: Column<ExitRecord> = { title: "EXEC", text: ({ execId }) => execId || "-" };
  return {
    id: ({ containerId }) => containerId,
    columns: [
      { title: "CONTAINER", text: ({ containerId }) => containerId },
      ...(withExecs ? [execColumn] : []),
      { title: "ATTEMPT", text: ({ attempt }) => String(attempt) },
      { title: "ENDED", text: ({ exitedAtNs }) => (exitedAtNs === undefined ? "-" : `${renderSince(exitedAtNs)} ago`) },
      { title: "RAN", text: ranFor },
      {
        title: "WHY",
        text: whyItEnded,
        colour: ({ exitStatus }) => (exitStatus === 0 ? undefined : exitStatus === undefined ? "yellow" : "red"),
      },
      { title: "PID", wide: true, text: ({ pid }) => String(pid) },
      { title: "IMAGE", wide: true, text: ({ image }) => image || "-" },
      { title: "RUNTIME", wide: true, text: ({ runtime }) => runtime || "-" },
    ],
    json: toJson,
  };
}

function ranFor({ startedAtNs, exitedAtNs }: ExitRecord): string {
  if (startedAtNs === undefined || exitedAtNs === undefined || exitedAtNs < startedAtNs) return "-";
  const ranNs = exitedAtNs - startedAtNs;
  // Nobody wants to know the nanoseconds of an hour.
  const unit = ranNs < 1_000_000_000n ? 1_000_000n : ranNs < 60_000_000_000n ? 100_000_000n : 1_000_000_000n;
  return formatDuration((ranNs / unit) * unit);
}

const text = (line: Uint8Array): string => Buffer.from(line).toString();

function toJson(record: ExitRecord): unknown {
  const { containerId, execId, attempt, pid, startedAtNs, exitedAtNs, requested } = record;
  return {
    container: containerId,
    exec: execId,
    attempt,
    pid,
    startedAt: startedAtNs === undefined ? null : formatTime(startedAtNs),
    exitedAt: exitedAtNs === undefined ? null : formatTime(exitedAtNs),
    exitStatus: record.exitStatus ?? null,
    signal: record.signal ?? null,
    outOfMemory: record.isOutOfMemory,
    requested:
      requested === undefined
        ? null
        : {
            time: formatTime(requested.timeNs),
            ...{
              signal: requested.signal,
              pid: requested.pid,
              uid: requested.uid,
              gid: requested.gid,
              by: requested.by,
            },
          },
    message: record.message,
    why: whyItEnded(record),
    lastLines: record.lastLines.map(text),
    image: record.image,
    runtime: record.runtime,
  };
}

/** The story of one end, for who sits before a terminal. */
function tell({ output }: CommandContext, record: ExitRecord): void {
  const { containerId, execId, attempt, startedAtNs, exitedAtNs, requested, message, lastLines } = record;
  const { bold, dim } = output.colour;
  const what =
    execId === "" ? `Task ${attempt} of ${containerId}` : `Exec ${execId} of task ${attempt} of ${containerId}`;
  output.line(`${bold(what)} ended: ${whyItEnded(record)}`);
  const times = [
    ...(startedAtNs === undefined ? [] : [`started ${shortTime(startedAtNs)}`]),
    ...(exitedAtNs === undefined ? [] : [`ended ${shortTime(exitedAtNs)}`]),
    ...(ranFor(record) === "-" ? [] : [`ran ${ranFor(record)}`]),
  ];
  if (times.length > 0) output.line(`  ${times.join(", ")}`);
  if (requested !== undefined) output.line(`  asked for at ${shortTime(requested.timeNs)} by ${whoAsked(requested)}`);
  if (message !== "") output.line(`  the runtime says: ${message}`);
  if (lastLines.length > 0) {
    output.line("  last lines:");
    for (const line of lastLines) output.line(`    ${dim(harmless(text(line)))}`);
  }
  output.line("");
}

/** What a task printed must not steer the terminal of who reads it here. */
const harmless = (line: string): string => line.replaceAll(/\p{Cc}/gu, (sign) => (sign === "\t" ? sign : "\u00b7"));
