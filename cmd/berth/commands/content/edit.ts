// berth content edit: opens a blob in an editor and makes another one of the result.
// @source containerd cmd/ctr/commands/content/content.go (editCommand)
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeBlob } from "../../../../api/core/write-blob.js";
import { defineCommand } from "../../command.js";
import { digestArgument } from "../../digest-argument.js";
import { UsageError } from "../../exit-status.js";

interface EditFlags {
  validate?: string;
  editor?: string;
}

export const command = defineCommand<EditFlags>({
  arguments: "[digest]",
  completes: ["content"],
  examples: [{ line: "berth content edit --editor vim sha256:…", does: "makes another blob of what the editor saves" }],
  help: "Prints the digest of the new blob. Nothing holds that one: label it, or the next run of the collector takes it.",
  options: (command) => {
    command
      .option("--editor <command>", "the editor, with its arguments ($EDITOR)")
      .option("--validate <format>", "refused, as ctr refuses it");
  },
  run: async ({ client, request, output }, [text], { validate, editor = process.env["EDITOR"] ?? "" }) => {
    if (validate !== undefined) throw new UsageError("validating the edit result not supported");
    const digest = digestArgument(text);
    if (editor === "") throw new UsageError("editor is required");
    const chunks: Uint8Array[] = [];
    for await (const chunk of client.content.read(request, digest)) chunks.push(chunk);
    const bytes = await edited(editor, Buffer.concat(chunks));
    const ref = `edit-${process.pid}-${digest}`;
    output.line(await writeBlob(client.content, request, { ref, sizeBytes: bytes.length, bytes: () => [bytes] }));
  },
});

/** @throws Error when the editor fails. */
async function edited(editor: string, bytes: Buffer): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "berth-edit-"));
  try {
    const file = join(folder, "content");
    await writeFile(file, bytes, { mode: 0o600 });
    // An editor may be a command with arguments, so the shell splits it, as git does; the file is an argument of its own.
    const child = spawn("/bin/sh", ["-c", `${editor} "$@"`, editor, file], { stdio: "inherit" });
    const [code, signal] = await once(child, "close");
    if (code !== 0) throw new Error(signal === null ? `exit status ${code}` : `the editor ended by ${signal}`);
    return await readFile(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
