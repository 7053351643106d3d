// The accounts of a container: who is in them, and how they come to hold the users that a host expects. Nothing is read or written here.
import { failedPrecondition } from "../../../api/core/errors.js";
import {
  type GroupEntry,
  groupEntry,
  type PasswdEntry,
  passwdEntry,
  type Row,
  withMember,
  withoutMember,
} from "./table.js";

/** The four files. */
export interface Accounts {
  readonly passwd: readonly Row[];
  readonly shadow: readonly Row[];
  readonly group: readonly Row[];
  readonly gshadow: readonly Row[];
}

export interface WantedUser {
  readonly name: string;
  /** Of the user and of the group of that name. */
  readonly id: number;
  /** Whether somebody works as that user: with a home and a shell. */
  readonly canLogIn: boolean;
}

export function findUser(accounts: Pick<Accounts, "passwd">, uid: number): PasswdEntry | undefined {
  return entriesOf(accounts.passwd, passwdEntry).find((entry) => entry.uid === uid);
}

export function findGroup(accounts: Pick<Accounts, "group">, name: string): GroupEntry | undefined {
  return entriesOf(accounts.group, groupEntry).find((entry) => entry.name === name);
}

/**
 * The accounts with a user, with a group of the same name and number, and with the shadows of both. Who has the name or the number, but
 * not both, has to go; who has both stays as he is.
 * @param today days since 1970. @throws failed_precondition when that would be root.
 */
export function ensureUser(accounts: Accounts, user: WantedUser, today: number): Accounts {
  const { name, id, canLogIn } = user;
  const freed = removeRivals(accounts, user);
  const [home, shell] = canLogIn ? [homeOf(name), "/bin/bash"] : ["/dev/null", "/bin/false"];
  return {
    passwd: withRow(freed.passwd, [name, "x", String(id), String(id), "", home, shell]),
    shadow: withRow(freed.shadow, [name, "!", String(today), "0", "99999", "7", "", "", ""]),
    group: withRow(freed.group, [name, "x", String(id), ""]),
    gshadow: withRow(freed.gshadow, [name, "!", "", ""]),
  };
}

/** Where a user's home is made. */
export const homeOf = (name: string): string => `/home/${name}`;

/** The accounts with a user in a group; unchanged without that group. */
export function ensureMember(accounts: Accounts, group: string, user: string): Accounts {
  const change = (rows: readonly Row[]): Row[] => rows.map((row) => (row[0] === group ? withMember(row, user) : row));
  if (findGroup(accounts, group) === undefined) return accounts;
  return { ...accounts, group: change(accounts.group), gshadow: change(accounts.gshadow) };
}

function removeRivals(accounts: Accounts, { name, id }: WantedUser): Accounts {
  const rivals = <T extends { readonly name: string }>(entries: readonly T[], idOf: (entry: T) => number): string[] =>
    entries
      .filter((entry) => (entry.name === name) !== (idOf(entry) === id))
      .map((entry) => refuseRoot(entry, idOf(entry)));
  const users = rivals(entriesOf(accounts.passwd, passwdEntry), ({ uid }) => uid);
  const groups = rivals(entriesOf(accounts.group, groupEntry), ({ gid }) => gid);
  return {
    passwd: without(accounts.passwd, users),
    shadow: without(accounts.shadow, users),
    // Or a newcomer of that name would inherit what its predecessor was in.
    group: expelled(without(accounts.group, groups), users),
    gshadow: expelled(without(accounts.gshadow, groups), users),
  };
}

function refuseRoot({ name }: { readonly name: string }, id: number): string {
  if (id === 0) throw failedPrecondition(`${name} has number 0`);
  return name;
}

function entriesOf<T>(rows: readonly Row[], parse: (row: Row) => T | undefined): T[] {
  return rows.flatMap((row) => parse(row) ?? []);
}

const without = (rows: readonly Row[], names: readonly string[]): readonly Row[] =>
  rows.filter(([name = ""]) => !names.includes(name));

const expelled = (rows: readonly Row[], users: readonly string[]): readonly Row[] =>
  rows.map((row) => users.reduce(withoutMember, row));

/** Added unless its name is there. */
const withRow = (rows: readonly Row[], row: Row): readonly Row[] =>
  rows.some(([name]) => name === row[0]) ? rows : [...rows, row];
