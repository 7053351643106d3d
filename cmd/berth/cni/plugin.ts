// One call of a network plugin: a program that is told what to do by its environment and its input, and answers with JSON.
// @source containernetworking/cni pkg/invoke/exec.go, SPEC.md
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import * as z from "zod";
import { errorOf, unknownError } from "../../../api/core/errors.js";

const DEFAULT_FOLDERS = ["/opt/cni/bin", "/usr/lib/cni"];
/** Longer answers are no answers. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

const errorSchema = z.looseObject({ msg: z.string(), details: z.string().optional() });

/** Which end of which container is to be connected, or no longer. */
export interface PluginCall {
  readonly command: "ADD" | "DEL";
  readonly containerId: string;
  /** Path of the network namespace; "" when it is gone. */
  readonly netns: string;
  readonly ifName: string;
}

/** The folders of the plugins: `$CNI_PATH`, else the usual ones. */
export const pluginFolders = (): string[] =>
  process.env["CNI_PATH"]
    ? process.env["CNI_PATH"].split(delimiter).filter((folder) => isAbsolute(folder))
    : DEFAULT_FOLDERS;

/** Its answer; undefined when there is none. @throws failed_precondition without such a plugin, unknown with the plugin's words, cancelled. */
export async function callPlugin(
  type: string,
  config: object,
  { command, containerId, netns, ifName }: PluginCall,
  signal?: AbortSignal,
): Promise<object | undefined> {
  const folders = pluginFolders();
  const program = folders.map((folder) => join(folder, type)).find(isExecutable);
  if (program === undefined)
    throw errorOf("failed_precondition", `network plugin "${type}" is not in ${folders.join(", ")}`);
  const env = {
    ...process.env,
    CNI_COMMAND: command,
    CNI_CONTAINERID: containerId,
    CNI_NETNS: netns,
    CNI_IFNAME: ifName,
    CNI_ARGS: "",
    CNI_PATH: folders.join(delimiter),
  };
  const { code, stdout, stderr } = await run(program, env, JSON.stringify(config), signal);
  if (code !== 0)
    throw unknownError(`plugin type="${type}" failed (${command.toLowerCase()}): ${reason(stdout, stderr)}`);
  return stdout.trim() === "" ? undefined : z.looseObject({}).parse(JSON.parse(stdout));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A plugin tells its error as JSON on stdout; one that crashes does not. */
function reason(stdout: string, stderr: string): string {
  try {
    const { msg, details } = errorSchema.parse(JSON.parse(stdout));
    return details === undefined || details === "" ? msg : `${msg}; ${details}`;
  } catch {
    return (stderr || stdout).trim() || "no reason given";
  }
}

function run(
  program: string,
  env: NodeJS.ProcessEnv,
  input: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [], { env, signal, stdio: "pipe" });
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (chunk: string) => {
        texts[name] += chunk;
        if (texts[name].length > MAX_OUTPUT_BYTES) child.kill("SIGKILL");
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...texts }));
    // A plugin that does not read its input fails on its own account.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
