// The system calls, made for real; mounting needs root.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { requires } from "../../test/helpers/requires.js";
import { allocateFile } from "./allocate.js";
import { isFifo, makeFifo } from "./fifo.js";
import { tryLockFile } from "./flock.js";
import { makeNode } from "./inode.js";
import { isMountPoint, mount, unmount } from "./mount.js";
import { parseMountOptions } from "./mount-options.js";
import { peerCredentials } from "./peer.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-sys-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function thrownCode(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
  return "nothing thrown";
}

describe("fallocate", () => {
  test("takes the room at once", () => {
    const path = join(dir, "file");
    const fd = openSync(path, "w");
    allocateFile(fd, 1_000_000);
    closeSync(fd);
    expect(statSync(path).size).toBe(1_000_000);
    expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(1_000_000);
  });

  test("says why it cannot", () => {
    const fd = openSync(join(dir, "file"), "w");
    expect(thrownCode(() => allocateFile(fd, 2 ** 62))).toMatch(/^(ENOSPC|EFBIG)$/);
    closeSync(fd);
    expect(thrownCode(() => allocateFile(fd, 1))).toBe("EBADF");
  });
});

describe("flock", () => {
  test("one holder at a time, free again after close", () => {
    const path = join(dir, "lock");
    const first = openSync(path, "w");
    const second = openSync(path, "w");
    expect(tryLockFile(first)).toBe(true);
    expect(tryLockFile(first)).toBe(true);
    expect(tryLockFile(second)).toBe(false);
    closeSync(first);
    expect(tryLockFile(second)).toBe(true);
    closeSync(second);
  });

  test("another process that holds it keeps us out until it is gone", async () => {
    const path = join(dir, "lock");
    const holder = spawn("flock", [path, "sh", "-c", "echo held; cat"], { stdio: ["pipe", "pipe", "inherit"] });
    await once(holder.stdout, "data");
    const fd = openSync(path, "r");
    expect(tryLockFile(fd)).toBe(false);
    holder.stdin.end();
    await once(holder, "close");
    expect(tryLockFile(fd)).toBe(true);
    closeSync(fd);
  });

  test("a closed descriptor is an error of its own", () => {
    const fd = openSync(join(dir, "x"), "w");
    closeSync(fd);
    expect(() => tryLockFile(fd)).toThrow(/^EBADF: bad file descriptor, flock$/);
  });
});

describe("fifo", () => {
  test("makes a pipe with its mode", () => {
    const path = join(dir, "pipe");
    makeFifo(path, 0o600);
    expect(isFifo(path)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("what is no pipe is none", () => {
    writeFileSync(join(dir, "file"), "");
    expect(isFifo(join(dir, "file"))).toBe(false);
    expect(isFifo(join(dir, "absent"))).toBe(false);
  });

  test("errors carry code, errno, syscall and path", () => {
    const path = join(dir, "pipe");
    makeFifo(path, 0o600);
    expect(() => makeFifo(path, 0o600)).toThrow(
      expect.objectContaining({
        code: "EEXIST",
        errno: -17,
        syscall: "mkfifo",
        path,
        message: `EEXIST: file already exists, mkfifo '${path}'`,
      }),
    );
    expect(thrownCode(() => makeFifo(join(dir, "no", "pipe"), 0o600))).toBe("ENOENT");
    expect(thrownCode(() => makeFifo(`${path}\0x`, 0o600))).toBe("EINVAL");
    expect(isFifo(`${path}x`)).toBe(false);
  });
});

describe("mount options", () => {
  test.each([
    { options: [], flags: 0, data: "" },
    { options: ["ro", "nosuid"], flags: 3, data: "" },
    { options: ["ro", "rw"], flags: 0, data: "" },
    { options: ["rbind", "rprivate"], flags: 0x1000 | 0x4000 | 0x40000, data: "" },
    { options: ["lowerdir=/a:/b", "ro", "upperdir=/c"], flags: 1, data: "lowerdir=/a:/b,upperdir=/c" },
    { options: ["defaults", "size=1m"], flags: 0, data: "size=1m" },
  ])("$options", ({ options, flags, data }) => {
    expect(parseMountOptions(options)).toEqual({ flags, data });
  });
});

describe.skipIf(requires.root())("mount", () => {
  test("a tmpfs comes and goes", () => {
    const target = join(dir, "with blank");
    mkdirSync(target);
    expect(isMountPoint(target)).toBe(false);
    mount({ type: "tmpfs", source: "tmpfs", target, options: ["nosuid", "size=64k"] });
    try {
      expect(isMountPoint(target)).toBe(true);
      writeFileSync(join(target, "x"), "x");
      expect(thrownCode(() => writeFileSync(join(target, "big"), Buffer.alloc(1 << 17)))).toBe("ENOSPC");
    } finally {
      expect(unmount(target)).toBe(true);
    }
    expect(isMountPoint(target)).toBe(false);
    expect(unmount(target)).toBe(false);
    expect(unmount(join(dir, "absent"))).toBe(false);
  });

  test("a read-only bind mount refuses writes", () => {
    const [source, target] = [join(dir, "source"), join(dir, "target")];
    mkdirSync(source);
    mkdirSync(target);
    writeFileSync(join(source, "x"), "seen");
    mount({ type: "bind", source, target, options: ["rbind", "ro", "rprivate"] });
    try {
      expect(readFileSync(join(target, "x"), "utf8")).toBe("seen");
      expect(thrownCode(() => writeFileSync(join(target, "y"), ""))).toBe("EROFS");
      expect(execFileSync("findmnt", ["-no", "PROPAGATION", target], { encoding: "utf8" }).trim()).toBe("private");
    } finally {
      expect(unmount(target)).toBe(true);
    }
  });

  test("an overlay of more layers than fit a page of options", () => {
    const target = join(dir, "target");
    mkdirSync(target);
    const layers = Array.from({ length: 200 }, (_, index) => join(dir, `${"long".repeat(20)}-${index}`));
    for (const [index, layer] of layers.entries()) {
      mkdirSync(layer);
      writeFileSync(join(layer, `f${index}`), "x");
    }
    mount({ type: "overlay", source: "overlay", target, options: [`lowerdir=${layers.join(":")}`] });
    try {
      expect(readdirSync(target)).toHaveLength(200);
    } finally {
      expect(unmount(target)).toBe(true);
    }
    const tooMany = [`lowerdir=${Array.from({ length: 600 }, () => layers[0]).join(":")}`];
    expect(thrownCode(() => mount({ type: "overlay", source: "overlay", target, options: tooMany }))).toBe("E2BIG");
    expect(isMountPoint(target)).toBe(false);
  });

  test("a busy mount is EBUSY, and detaches", () => {
    const target = join(dir, "busy");
    mkdirSync(target);
    mount({ type: "tmpfs", source: "tmpfs", target, options: [] });
    const fd = openSync(join(target, "open"), "w");
    try {
      expect(thrownCode(() => unmount(target))).toBe("EBUSY");
    } finally {
      expect(unmount(target, { detach: true })).toBe(true);
      closeSync(fd);
    }
    expect(isMountPoint(target)).toBe(false);
  });

  test("a link does not lead the unmount elsewhere", () => {
    const [target, link] = [join(dir, "target"), join(dir, "link")];
    mkdirSync(target);
    symlinkSync(target, link);
    mount({ type: "tmpfs", source: "tmpfs", target, options: [] });
    try {
      expect(unmount(link)).toBe(false);
      expect(isMountPoint(link)).toBe(true);
    } finally {
      expect(unmount(target)).toBe(true);
    }
  });

  test("failures say why and leave nothing", () => {
    const target = join(dir, "target");
    mkdirSync(target);
    expect(thrownCode(() => mount({ type: "nosuchfs", source: "x", target, options: [] }))).toBe("ENODEV");
    expect(thrownCode(() => mount({ type: "tmpfs", source: "x", target: join(dir, "no"), options: [] }))).toBe(
      "ENOENT",
    );
    expect(thrownCode(() => mount({ type: "tmpfs", source: "x", target, options: ["bogus=1"] }))).toBe("EINVAL");
    const long = `lowerdir=${"/a:".repeat(2000)}`;
    expect(thrownCode(() => mount({ type: "overlay", source: "overlay", target, options: [long] }))).toBe("E2BIG");
    expect(isMountPoint(target)).toBe(false);
  });
});

// Root has these rights, so there is nothing to skip: test/integration/rootless.test.ts goes through a user's daemon as root, too.
if (process.geteuid?.() !== 0) {
  describe("a user", () => {
    test("is told which right is missing", () => {
      const target = join(dir, "target");
      mkdirSync(target);
      expect(() => mount({ type: "tmpfs", source: "tmpfs", target, options: [] })).toThrow(
        `EPERM: operation not permitted, mount '${target}' (needs CAP_SYS_ADMIN)`,
      );
      expect(() => makeNode(join(dir, "null"), 0o20666, 0x103)).toThrow(/mknod '.*' \(needs CAP_MKNOD\)$/);
    });

    test("unmounts nothing where nothing is mounted", () => {
      expect(unmount(dir)).toBe(false);
      expect(() => unmount("/proc")).toThrow(/needs CAP_SYS_ADMIN/);
    });
  });
}

test("peer credentials are the connecting process's", async () => {
  const path = join(dir, "sock");
  const server = createServer().listen(path);
  await once(server, "listening");
  const client = connect(path);
  const [socket] = (await once(server, "connection")) as [Socket];
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  expect(peerCredentials(fd)).toEqual({ pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
  client.destroy();
  socket.destroy();
  server.close();
  await once(server, "close");
  const file = openSync(join(dir, "file"), "w");
  expect(thrownCode(() => peerCredentials(file))).toBe("ENOTSOCK");
  closeSync(file);
});
