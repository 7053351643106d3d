// berth content active: writes that are not finished.
// @source containerd cmd/ctr/commands/content/content.go (activeIngestCommand)
import { formatTime } from "../../../../api/core/time.js";
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { parseDuration } from "../../flags.js";
import { renderDecimalSize, renderSince } from "../../render/age.js";

interface ActiveFlags {
  timeout?: number;
  root?: string;
}

export const command = defineCommand<ActiveFlags>({
  arguments: "[filter]",
  lists: true,
  watches: true,
  completes: ["none"],
  examples: [
    { line: "berth content active", does: "what is being written" },
    { line: "berth content active --watch", does: "drawn anew every two seconds" },
  ],
  help: "The filter is about the ref: ref==name, ref~=^layer-.",
  options: (command) => {
    command
      .option("-t, --timeout <duration>", "give up after that long ($CONTAINERD_FETCH_TIMEOUT)", parseDuration)
      .option("--root <dir>", "taken for scripts of ctr, which does nothing with it either", "/tmp/content");
  },
  run: async (
    { client, request, output },
    filters,
    { timeout = timeoutOf(process.env["CONTAINERD_FETCH_TIMEOUT"]) },
  ) => {
    const signal = timeout > 0 ? AbortSignal.timeout(timeout) : request.signal;
    output.list(await client.content.listStatuses({ ...request, signal }, filters), {
      style: { fill: "tabs", lastColumn: "padded" },
      id: ({ ref }) => ref,
      columns: [
        { title: "REF", text: ({ ref }) => ref },
        { title: "SIZE", text: ({ offsetBytes }) => renderDecimalSize(offsetBytes) },
        { title: "AGE", text: ({ startedAtNs }) => renderSince(startedAtNs) },
      ],
      json: ({ ref, offsetBytes, totalBytes, startedAtNs, updatedAtNs }) => ({
        ref,
        offset: offsetBytes,
        total: totalBytes,
        startedAt: formatTime(startedAtNs),
        updatedAt: formatTime(updatedAtNs),
      }),
    });
  },
});

/** 0 for none. @throws UsageError. */
function timeoutOf(text = ""): number {
  if (text === "") return 0;
  try {
    return parseDuration(text);
  } catch {
    throw new UsageError(`$CONTAINERD_FETCH_TIMEOUT is no duration such as 30s: "${text}"`);
  }
}
