// The files of accounts in a container: read as a whole, and each replaced at one stroke when it has changed.
import { unknownError } from "../../../api/core/errors.js";
import type { FileOwner } from "../../../runtime/lxd/files.js";
import type { Sftp } from "../../../runtime/lxd/sftp.js";
import { type Accounts, findGroup } from "./accounts.js";
import { formatTable, parseTable, type Row } from "./table.js";

const MAX_BYTES = 1_048_576;
/** Passwd last: whoever is in it is whole. */
const WRITE_ORDER = ["gshadow", "group", "shadow", "passwd"] as const;

/** @throws not_found; data_loss for what is no such file. */
export async function readAccounts(sftp: Sftp): Promise<Accounts> {
  return {
    passwd: await readPasswd(sftp),
    shadow: await readTable(sftp, "/etc/shadow"),
    group: await readTable(sftp, "/etc/group"),
    gshadow: await readTable(sftp, "/etc/gshadow"),
  };
}

/** @throws as {@link readAccounts}, also for one without root, which nobody can have meant. */
export async function readPasswd(sftp: Sftp): Promise<Row[]> {
  const rows = await readTable(sftp, "/etc/passwd");
  if (!rows.some(([name]) => name === "root")) throw unknownError("/etc/passwd has no root");
  return rows;
}

/** Leaves a file alone that is as it should be. */
export async function writeAccounts(sftp: Sftp, before: Accounts, after: Accounts): Promise<void> {
  const shadowOwner = { uid: 0, gid: findGroup(after, "shadow")?.gid ?? 0, mode: 0o640 };
  const owners = {
    passwd: { uid: 0, gid: 0, mode: 0o644 },
    group: { uid: 0, gid: 0, mode: 0o644 },
    shadow: shadowOwner,
    gshadow: shadowOwner,
  };
  for (const file of WRITE_ORDER) {
    const path = `/etc/${file}`;
    const text = formatTable(after[file]);
    if (text === formatTable(before[file]) && (await isAs(sftp, path, owners[file]))) continue;
    await sftp.replaceFile(path, [Buffer.from(text)], owners[file]);
  }
}

async function isAs(sftp: Sftp, path: string, { uid, gid, mode }: FileOwner): Promise<boolean> {
  const stat = await sftp.lstat(path);
  return stat.type === "file" && stat.uid === uid && stat.gid === gid && stat.mode === mode;
}

async function readTable(sftp: Sftp, path: string): Promise<Row[]> {
  const bytes = await sftp.readFile(path, MAX_BYTES);
  try {
    // What is not text would not be the same when it is written again.
    return parseTable(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw unknownError(`${path} is not UTF-8`, error);
  }
}
