// What a daemon's sockets carried, read out of its system calls: each request as it came in, and when the first byte of its
// reply began to go out. HTTP/2 (gRPC) and ttrpc both number their streams, so neither needs more than its frames' headers.
import { FrameDecoder, TYPE_REQUEST } from "../../runtime/ttrpc/frame.js";
import type { Syscall } from "./strace.js";

/** One call on one of the daemon's sockets. */
export interface Exchange {
  /** The encoded message, without the framing of gRPC; the whole ttrpc request. */
  readonly request: Buffer;
  /** Position of the system call that began to send the reply; undefined when none was sent. */
  readonly repliedAt: number | undefined;
}

interface Conversation {
  request: Buffer;
  repliedAt: number | undefined;
}

const PREFACE_BYTES = 24;
const HTTP2_HEADER_BYTES = 9;
const HTTP2_DATA = 0;
const HTTP2_HEADERS = 1;
const HTTP2_PADDED = 0x08;
const GRPC_PREFIX_BYTES = 5;
const READS = new Set(["read"]);
const WRITES = new Set(["write", "writev"]);

/** The calls on connections that were made to `socketPath` while the trace ran. */
export function exchangesOf(syscalls: readonly Syscall[], socketPath: string, protocol: "grpc" | "ttrpc"): Exchange[] {
  const connections = new Map<string, Connection>();
  for (const call of syscalls) {
    // The accepting side carries the path; the caller's end of the same connection does not.
    if (!call.target.includes("->") || !call.target.includes(`"${socketPath}"`)) continue;
    let connection = connections.get(call.target);
    if (connection === undefined) {
      connection = protocol === "grpc" ? new GrpcConnection() : new TtrpcConnection();
      connections.set(call.target, connection);
    }
    if (READS.has(call.name)) connection.received(call.data);
    if (WRITES.has(call.name)) connection.sent(call.data, call.begin);
  }
  return [...connections.values()].flatMap((connection) => [...connection.conversations.values()]);
}

abstract class Connection {
  readonly conversations = new Map<number, Conversation>();
  abstract received(bytes: Buffer): void;
  abstract sent(bytes: Buffer, at: number): void;

  protected asked(streamId: number, data: Buffer): void {
    const before = this.conversations.get(streamId);
    const request = before === undefined ? data : Buffer.concat([before.request, data]);
    this.conversations.set(streamId, { request, repliedAt: before?.repliedAt });
  }

  protected answered(streamId: number, at: number): void {
    const conversation = this.conversations.get(streamId);
    if (conversation !== undefined) conversation.repliedAt ??= at;
  }
}

class GrpcConnection extends Connection {
  #in: Buffer = Buffer.alloc(0);
  #out: Buffer = Buffer.alloc(0);
  #prefaceLeft = PREFACE_BYTES;

  received(bytes: Buffer): void {
    const skipped = Math.min(this.#prefaceLeft, bytes.length);
    this.#prefaceLeft -= skipped;
    this.#in = this.#frames(Buffer.concat([this.#in, bytes.subarray(skipped)]), (type, flags, streamId, payload) => {
      if (type !== HTTP2_DATA) return;
      if ((flags & HTTP2_PADDED) !== 0) throw new Error("a padded frame");
      this.asked(streamId, payload);
    });
  }

  sent(bytes: Buffer, at: number): void {
    // A frame that several system calls carry counts from the one that completes it: before that nobody can read it.
    this.#out = this.#frames(Buffer.concat([this.#out, bytes]), (type, _flags, streamId) => {
      if (type === HTTP2_DATA || type === HTTP2_HEADERS) this.answered(streamId, at);
    });
  }

  protected override asked(streamId: number, data: Buffer): void {
    const isFirst = !this.conversations.has(streamId);
    super.asked(streamId, isFirst ? data.subarray(GRPC_PREFIX_BYTES) : data);
  }

  /** Hands out the whole frames; answers with the rest. */
  #frames(bytes: Buffer, take: (type: number, flags: number, streamId: number, payload: Buffer) => void): Buffer {
    let offset = 0;
    while (bytes.length - offset >= HTTP2_HEADER_BYTES) {
      const length = bytes.readUIntBE(offset, 3);
      const end = offset + HTTP2_HEADER_BYTES + length;
      if (end > bytes.length) break;
      const streamId = bytes.readUInt32BE(offset + 5) & 0x7fffffff;
      take(
        bytes.readUInt8(offset + 3),
        bytes.readUInt8(offset + 4),
        streamId,
        bytes.subarray(offset + HTTP2_HEADER_BYTES, end),
      );
      offset = end;
    }
    return bytes.subarray(offset);
  }
}

class TtrpcConnection extends Connection {
  readonly #in = new FrameDecoder();
  readonly #out = new FrameDecoder();

  received(bytes: Buffer): void {
    for (const { type, streamId, data } of this.#in.push(bytes)) if (type === TYPE_REQUEST) this.asked(streamId, data);
  }

  sent(bytes: Buffer, at: number): void {
    for (const { streamId } of this.#out.push(bytes)) this.answered(streamId, at);
  }
}
