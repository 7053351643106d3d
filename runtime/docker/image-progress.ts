// What an engine tells while it pulls or loads: JSON objects one after another, summed up over the layers they are about.
import * as z from "zod";
import type { DockerPullStatus } from "../../api/core/docker-pull.js";
import { unknownError } from "../../api/core/errors.js";

/** How far a pull or load is. */
export interface PullProgress {
  readonly status: DockerPullStatus;
  /** Of all layers that bytes are known of. */
  readonly currentBytes: number;
  /** The same; 0 when nothing is known. */
  readonly totalBytes: number;
}

const lineSchema = z.object({
  status: z.string().optional(),
  id: z.string().optional(),
  stream: z.string().optional(),
  error: z.string().optional(),
  errorDetail: z.object({ message: z.string().optional() }).optional(),
  progressDetail: z.object({ current: z.number().optional(), total: z.number().optional() }).optional(),
});

export type EngineLine = z.infer<typeof lineSchema>;

const MAX_LINE_LENGTH = 1 << 20;

/**
 * The lines of an answer; `what` names the deed in errors.
 * @throws unknown for a line that tells of a failure, with the engine's words, and for what is no such line.
 */
export async function* engineLines(
  answer: AsyncIterable<Uint8Array | string>,
  what: string,
): AsyncGenerator<EngineLine> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of answer) {
    const lines = (rest + (typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true }))).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_LENGTH)
      throw unknownError(`docker: ${what}: a line of the engine's answer does not end`);
    for (const line of lines) if (line.trim() !== "") yield parseLine(line, what);
  }
  if (rest.trim() !== "") yield parseLine(rest, what);
}

function parseLine(text: string, what: string): EngineLine {
  let line: EngineLine;
  try {
    line = lineSchema.parse(JSON.parse(text));
  } catch (error) {
    throw unknownError(`docker: ${what}: the engine's answer makes no sense`, error);
  }
  const failure = line.error ?? line.errorDetail?.message;
  if (failure !== undefined) throw unknownError(`docker: ${what}: ${failure.trim()}`);
  return line;
}

interface Layer {
  currentBytes: number;
  totalBytes: number;
}

/** After these nothing of the layer is still to come over the network. */
const COMPLETE = new Set(["Verifying Checksum", "Download complete", "Extracting", "Pull complete"]);

/** Sums up. */
export class PullMeter {
  readonly #layers = new Map<string, Layer>();
  #status: DockerPullStatus;

  constructor(status: "resolving" | "loading") {
    this.#status = status;
  }

  /** Takes a line. @returns how far everything is now. */
  take({ status = "", id = "", progressDetail }: EngineLine): PullProgress {
    const { current, total } = progressDetail ?? {};
    if (this.#status !== "loading") this.#advance(status);
    if (status === "Downloading" || status === "Loading layer") {
      const layer = this.#layers.get(id) ?? { currentBytes: 0, totalBytes: 0 };
      layer.currentBytes = current ?? layer.currentBytes;
      layer.totalBytes = Math.max(total ?? 0, layer.totalBytes, layer.currentBytes);
      this.#layers.set(id, layer);
    } else if (COMPLETE.has(status)) {
      const layer = this.#layers.get(id);
      if (layer !== undefined) layer.currentBytes = layer.totalBytes;
    }
    return this.#sum(this.#status);
  }

  /** It is over. */
  end(status: "done" | "failed"): PullProgress {
    return this.#sum(status);
  }

  #advance(status: string): void {
    if (status === "Downloading" || status === "Pulling fs layer") this.#status = "downloading";
    else if (status === "Extracting" && this.#isDownloaded()) this.#status = "extracting";
  }

  #isDownloaded(): boolean {
    return [...this.#layers.values()].every(({ currentBytes, totalBytes }) => currentBytes >= totalBytes);
  }

  #sum(status: DockerPullStatus): PullProgress {
    const layers = [...this.#layers.values()];
    const sum = (bytes: (layer: Layer) => number): number => layers.reduce((all, layer) => all + bytes(layer), 0);
    return { status, currentBytes: sum((layer) => layer.currentBytes), totalBytes: sum((layer) => layer.totalBytes) };
  }
}
