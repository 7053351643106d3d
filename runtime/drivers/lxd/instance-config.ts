// LXD's settings of an instance that is made for a task: what the runtime options say, what the spec limits it to, and what makes its end
// known.
import type { LxdOptions } from "./options.js";
import { LOG_LEVEL } from "./run-log.js";
import { settingsOfSpec } from "./spec.js";

/** Where the program that stands for the image's init lies, when it takes more than words. */
export const INIT_SCRIPT = "/.berth-init";

const RAW = "raw.lxc";
/** liblxc parts the line at its spaces, and knows no quotes. */
const PLAIN = /^[^\s'"\\#]+$/;

export interface InstanceConfig {
  readonly config: Readonly<Record<string, string>>;
  /** To be written to {@link INIT_SCRIPT}. */
  readonly script: string | undefined;
}

/** @throws invalid_argument for what is no spec, and for limits that LXD has no setting for. */
export function instanceConfig(options: LxdOptions, spec: Uint8Array): InstanceConfig {
  const { config = {}, init } = options;
  const isPlain = init?.every((word) => PLAIN.test(word)) ?? true;
  const program = init === undefined ? undefined : isPlain ? init.join(" ") : INIT_SCRIPT;
  const lines = [
    config[RAW],
    // Last, as the last one counts: without it nobody knows how init ended.
    LOG_LEVEL,
    program === undefined ? undefined : `lxc.init.cmd = ${program}`,
  ].filter((line) => line !== undefined);
  return {
    config: { ...settingsOfSpec(spec), ...config, [RAW]: lines.join("\n") },
    script: init === undefined || isPlain ? undefined : `#!/bin/sh\nexec ${init.map(quoted).join(" ")}\n`,
  };
}

/** One word of a shell's. */
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
