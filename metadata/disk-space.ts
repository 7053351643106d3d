// Room on the store's disk. Below a low-water mark, writes that make the store grow are refused, so that what must go on can:
// deletes, and events of what has happened already. When the disk is full all the same, a reserve file gives its room to those.
import { randomFillSync } from "node:crypto";
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { errorOf } from "../api/core/errors.js";
import type { Logger } from "../api/core/log.js";
import { allocateFile } from "../runtime/sys/allocate.js";
import { hasCode } from "../runtime/sys/errno.js";

const RESERVE_FILE = "reserve";
const MIB = 1024 * 1024;
/** What opening a store takes: a new WAL, its index, the log's first pages. */
const OPENING_BYTES = MIB;

export interface SpaceLimits {
  /** Size in bytes of the file that keeps room for deletes; 0 for none. Default: 4 MiB. */
  readonly reserveBytes?: number;
  /** Free bytes below which only deletes and events are taken. More than `reserveBytes`. Default: 8 MiB. */
  readonly lowWaterBytes?: number;
}

export interface DiskSpaceOptions {
  readonly folder: string;
  readonly limits?: SpaceLimits | undefined;
  readonly log: Logger;
  /** How old an answer of the file system may be by which a write is taken. Default: 500. */
  readonly lookMs?: number;
}

const inMib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;

export class DiskSpace {
  readonly #folder: string;
  readonly #path: string;
  readonly #limits: Required<SpaceLimits>;
  readonly #log: Logger;
  readonly #lookMs: number;
  #hasReserve: boolean;
  #freeBytes = Number.POSITIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #couldNotMake = false;

  /** Before the database is opened: on a full disk that takes the reserve already. */
  constructor(options: DiskSpaceOptions) {
    this.#folder = options.folder;
    this.#path = join(options.folder, RESERVE_FILE);
    this.#limits = { reserveBytes: 4 * MIB, lowWaterBytes: 8 * MIB, ...options.limits };
    this.#log = options.log;
    this.#lookMs = options.lookMs ?? 500;
    this.#hasReserve = statSync(this.#path, { throwIfNoEntry: false }) !== undefined;
    if (this.#measure() < OPENING_BYTES) this.giveUpReserve();
  }

  /** @throws resource_exhausted below the low-water mark. */
  requireRoom(): void {
    this.look();
    if (this.#freeBytes >= this.#limits.lowWaterBytes) return;
    // Nobody is refused for what was so a moment ago: something may just have been removed.
    this.#lookedAt = Number.NEGATIVE_INFINITY;
    this.look();
    if (this.#freeBytes >= this.#limits.lowWaterBytes) return;
    const free = `${inMib(this.#freeBytes)} of ${inMib(this.#limits.lowWaterBytes)}`;
    throw errorOf("resource_exhausted", `metadata store ${this.#folder}: too little room on the disk (${free})`);
  }

  /** Asks the file system, unless that was just done, and makes the reserve when it is missing and there is room for it. */
  look(): void {
    const now = performance.now();
    if (now - this.#lookedAt < this.#lookMs) return;
    this.#lookedAt = now;
    this.#freeBytes = this.#measure();
    const { reserveBytes, lowWaterBytes } = this.#limits;
    if (!this.#hasReserve && reserveBytes > 0 && this.#freeBytes >= lowWaterBytes + reserveBytes) this.#makeReserve();
  }

  /** Gives the room of the reserve to whoever writes next. False when there is none to give. */
  giveUpReserve(): boolean {
    if (!this.#hasReserve) return false;
    rmSync(this.#path, { force: true });
    this.#hasReserve = false;
    this.#log.warn({ folder: this.#folder }, "disk is full, reserve given up");
    return true;
  }

  /** What this process may still write; root may also take what is kept for it. */
  #measure(): number {
    const { bsize, bfree, bavail } = statfsSync(this.#folder);
    return bsize * (process.getuid?.() === 0 ? bfree : bavail);
  }

  #makeReserve(): void {
    try {
      const fd = openSync(this.#path, "w", 0o600);
      try {
        fill(fd, this.#limits.reserveBytes);
      } finally {
        closeSync(fd);
      }
      this.#hasReserve = true;
    } catch (err) {
      rmSync(this.#path, { force: true });
      if (!this.#couldNotMake) this.#log.warn({ err, folder: this.#folder }, "no reserve could be made");
      this.#couldNotMake = true;
    }
  }
}

/** Blocks of its own where the file system can give them, else bytes that no file system can shrink. */
function fill(fd: number, sizeBytes: number): void {
  try {
    allocateFile(fd, sizeBytes);
  } catch (error) {
    if (!hasCode(error, "EOPNOTSUPP")) throw error;
    const chunk = Buffer.alloc(64 * 1024);
    for (let left = sizeBytes; left > 0; left -= chunk.length)
      writeSync(fd, randomFillSync(chunk), 0, Math.min(left, chunk.length));
  }
}
