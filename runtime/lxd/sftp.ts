// Files of an instance over SFTP, running or not, as users inside see them. Beyond what the files API has: looking without reading,
// replacing a file at one stroke, giving away what is there. LXD looks from the instance's own root, so no link leads out of it.
import { ContainerdError, errorOf } from "../../api/core/errors.js";
import type { FileOwner } from "./files.js";
import { lxdPath } from "./path.js";
import type { CallOptions, LxdServer } from "./server.js";
import { SftpChannel, type SftpReply } from "./sftp-channel.js";
import { OPEN_FLAG, PACKET, type SftpAttributes } from "./sftp-packets.js";

/** What every server takes at once. */
const CHUNK_BYTES = 32_768;
const DEFAULT_TIMEOUT_MS = 30_000;
const KIND_BITS = 0o170000;
const KINDS = new Map<number, SftpStat["type"]>([
  [0o100000, "file"],
  [0o040000, "directory"],
  [0o120000, "symlink"],
]);

export interface SftpStat extends FileOwner {
  readonly type: "file" | "directory" | "symlink" | "other";
  readonly sizeBytes: number;
}

export interface SftpOptions extends CallOptions {
  /** Of each call. Default: 30 s. */
  readonly timeoutMs?: number;
}

/** A session about one instance. Of a mode LXD takes the lower nine bits. Its calls throw not_found, permission_denied, deadline_exceeded, cancelled, unavailable, or unknown with what the other side says. */
export interface Sftp extends Disposable {
  /** Of what a link leads to. */
  stat(path: string): Promise<SftpStat>;
  /** Of a link itself. */
  lstat(path: string): Promise<SftpStat>;
  /** @throws resource_exhausted for more than `maxBytes`; failed_precondition for what is no file. */
  readFile(path: string, maxBytes: number): Promise<Buffer>;
  /** Replaces whatever is at the path, or makes it: others see the old file or the whole new one. A link is replaced, not followed. */
  replaceFile(path: string, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, owner: FileOwner): Promise<void>;
  /** In pieces; to the end it had. */
  read(path: string): AsyncGenerator<Buffer>;
  /** Sorted, without `.` and `..`. */
  list(path: string): Promise<string[]>;
  /** @throws unknown when something is there. */
  makeDirectory(path: string, owner: FileOwner): Promise<void>;
  makeSymlink(path: string, target: string): Promise<void>;
  readSymlink(path: string): Promise<string>;
  /** Anything but a directory. */
  remove(path: string): Promise<void>;
  /** An empty one. */
  removeDirectory(path: string): Promise<void>;
  /** Over a file that is there. */
  rename(path: string, newPath: string): Promise<void>;
}

/** @throws not_found without the instance; as `LxdServer.ask`. */
export async function openSftp(server: LxdServer, instance: string, options: SftpOptions = {}): Promise<Sftp> {
  const what = `files of instance ${instance}`;
  const { socket } = await server.upgrade(
    what,
    { path: lxdPath`/1.0/instances/${instance}/sftp`, headers: { connection: "Upgrade", upgrade: "sftp" } },
    options,
  );
  const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const channel = new SftpChannel(socket, { what, timeoutMs, signal });
  try {
    await channel.begin();
    return new Session(channel);
  } catch (error) {
    channel[Symbol.dispose]();
    throw error;
  }
}

class Session implements Sftp {
  readonly #channel: SftpChannel;

  constructor(channel: SftpChannel) {
    this.#channel = channel;
  }

  stat(path: string): Promise<SftpStat> {
    return this.#look(PACKET.stat, path);
  }

  lstat(path: string): Promise<SftpStat> {
    return this.#look(PACKET.lstat, path);
  }

  async readFile(path: string, maxBytes: number): Promise<Buffer> {
    // A pipe or a device could keep us for ever.
    const { type } = await this.stat(path);
    if (type !== "file") throw errorOf("failed_precondition", `${path} is no file`);
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for await (const chunk of this.read(path)) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw errorOf("resource_exhausted", `${path} is longer than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  async *read(path: string): AsyncGenerator<Buffer> {
    const handle = await this.#open(path, OPEN_FLAG.read);
    try {
      for (let offset = 0; ; ) {
        const reply = await this.#channel.ask(PACKET.read, path, (packet) =>
          packet.text(handle).offset(offset).number(CHUNK_BYTES),
        );
        if (reply.type !== PACKET.data) return;
        const data = reply.fields.bytes();
        offset += data.length;
        yield data;
      }
    } finally {
      await this.#close(handle, path);
    }
  }

  async replaceFile(
    path: string,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    { uid, gid, mode }: FileOwner,
  ): Promise<void> {
    const fresh = `${path}.berth-new`;
    await this.remove(fresh).catch(ignoreNotFound);
    try {
      const handle = await this.#open(fresh, OPEN_FLAG.write | OPEN_FLAG.create | OPEN_FLAG.exclusive);
      try {
        // Nobody else's before it is whole.
        await this.#change(fresh, { mode: 0o600 });
        let offset = 0;
        for await (const chunk of content) {
          for (let at = 0; at < chunk.length; at += CHUNK_BYTES) {
            const part = chunk.subarray(at, at + CHUNK_BYTES);
            await this.#channel.ask(PACKET.write, fresh, (packet) => packet.text(handle).offset(offset).text(part));
            offset += part.length;
          }
        }
      } finally {
        await this.#close(handle, fresh);
      }
      await this.#change(fresh, { uid, gid });
      await this.#change(fresh, { mode });
      await this.rename(fresh, path);
    } catch (error) {
      await this.remove(fresh).catch(() => undefined);
      throw error;
    }
  }

  async list(path: string): Promise<string[]> {
    const names: string[] = [];
    const handle = handleOf(await this.#channel.ask(PACKET.opendir, path, (packet) => packet.text(path)));
    try {
      for (;;) {
        const { type, fields } = await this.#channel.ask(PACKET.readdir, path, (packet) => packet.text(handle));
        if (type !== PACKET.name) break;
        for (let left = fields.number(); left > 0; left--) {
          names.push(fields.text());
          fields.text();
          fields.attributes();
        }
      }
    } finally {
      await this.#close(handle, path);
    }
    return names.filter((name) => name !== "." && name !== "..").sort();
  }

  async makeDirectory(path: string, { uid, gid, mode }: FileOwner): Promise<void> {
    await this.#channel.ask(PACKET.mkdir, path, (packet) => packet.text(path).attributes({}));
    await this.#change(path, { uid, gid });
    await this.#change(path, { mode });
  }

  async makeSymlink(path: string, target: string): Promise<void> {
    // In this order: what OpenSSH does against the draft, everybody does.
    await this.#channel.ask(PACKET.symlink, path, (packet) => packet.text(target).text(path));
  }

  async readSymlink(path: string): Promise<string> {
    const { fields } = await this.#channel.ask(PACKET.readlink, path, (packet) => packet.text(path));
    fields.number();
    return fields.text();
  }

  async remove(path: string): Promise<void> {
    await this.#channel.ask(PACKET.remove, path, (packet) => packet.text(path));
  }

  async removeDirectory(path: string): Promise<void> {
    await this.#channel.ask(PACKET.rmdir, path, (packet) => packet.text(path));
  }

  async rename(path: string, newPath: string): Promise<void> {
    await this.#channel.ask(PACKET.extended, path, (packet) =>
      packet.text("posix-rename@openssh.com").text(path).text(newPath),
    );
  }

  [Symbol.dispose](): void {
    this.#channel[Symbol.dispose]();
  }

  async #look(type: number, path: string): Promise<SftpStat> {
    const { fields } = await this.#channel.ask(type, path, (packet) => packet.text(path));
    const { mode, ...rest } = fields.attributes();
    return { ...rest, mode: mode & 0o7777, type: KINDS.get(mode & KIND_BITS) ?? "other" };
  }

  async #open(path: string, flags: number): Promise<Buffer> {
    return handleOf(
      await this.#channel.ask(PACKET.open, path, (packet) => packet.text(path).number(flags).attributes({})),
    );
  }

  /** It says nothing of a session that is over. */
  async #close(handle: Buffer, path: string): Promise<void> {
    if (!this.#channel.isOver) await this.#channel.ask(PACKET.close, path, (packet) => packet.text(handle));
  }

  async #change(path: string, attributes: Partial<SftpAttributes>): Promise<void> {
    await this.#channel.ask(PACKET.setstat, path, (packet) => packet.text(path).attributes(attributes));
  }
}

function handleOf({ type, fields }: SftpReply): Buffer {
  if (type !== PACKET.handle) throw new ContainerdError("data_loss", "lxd: no handle for a file: data loss");
  return Buffer.from(fields.bytes());
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof ContainerdError) || error.kind !== "not_found") throw error;
}
