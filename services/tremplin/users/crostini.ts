// Which users and groups a host expects in a container, and what names its user may have.
// @source chromiumos platform/tremplin
import { invalidArgument } from "../../../api/core/errors.js";
import { type Accounts, ensureMember, ensureUser, findUser, type WantedUser } from "./accounts.js";

/** Number of the user whose container it is. */
export const PRIMARY_ID = 1000;

/** Who owns what the host shares with its containers. */
const SERVICE_USERS: readonly WantedUser[] = [
  { name: "chronos-access", id: 1001, canLogIn: false },
  { name: "android-everybody", id: 665_357, canLogIn: false },
  { name: "android-root", id: 655_360, canLogIn: false },
];
const REQUIRED_GROUPS = ["android-everybody", "chronos-access"];
/** As far as the container has them. */
const OPTIONAL_GROUPS = ["audio", "cdrom", "dialout", "floppy", "kvm", "libvirt", "plugdev", "sudo", "users", "video"];
/** What every tool for accounts takes, and no file of them or path breaks at. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/;

/** Of a user that is there: nothing that leads elsewhere in a path, or ends a field of a list. */
const PRESENT_NAME = /^(?!\.{1,2}$)[^/,\s]+$/;

/** @throws invalid_argument for a name that no user should have. Its message does not tell the name. */
export function checkUserName(name: string): void {
  if (!NAME.test(name) || /^[\d.]+$/.test(name)) {
    const rule = "1 to 32 letters, digits, dots, hyphens and underscores, one of them a letter";
    throw invalidArgument(`bad user name, it takes ${rule}`);
  }
  checkPresentName(name);
}

function checkPresentName(name: string): void {
  if (!PRESENT_NAME.test(name)) throw invalidArgument("bad user name");
  if (SERVICE_USERS.some((user) => user.name === name)) throw invalidArgument(`user name ${name} is kept for the host`);
}

/**
 * The accounts with whom the host expects. Whoever is user {@link PRIMARY_ID} already keeps his name.
 * @param today days since 1970. @throws invalid_argument; failed_precondition.
 */
export function setUpAccounts(accounts: Accounts, wantedName: string, today: number): Accounts {
  const present = findUser(accounts, PRIMARY_ID)?.name;
  if (present === undefined) checkUserName(wantedName);
  else checkPresentName(present);
  const name = present ?? wantedName;
  const users = [{ name, id: PRIMARY_ID, canLogIn: true }, ...SERVICE_USERS];
  const withUsers = users.reduce((made, user) => ensureUser(made, user, today), accounts);
  const groups = [...REQUIRED_GROUPS, ...OPTIONAL_GROUPS];
  return groups.reduce((made, group) => ensureMember(made, group, name), withUsers);
}

/** A reason that does not name the user, where the name stands alone: a short one is part of many words. */
export function withoutName(reason: string, name: string): string {
  if (name === "") return reason;
  const quoted = name.replace(/[^A-Za-z0-9_]/g, "\\$&");
  return reason.replace(new RegExp(`(?<![A-Za-z0-9_])${quoted}(?![A-Za-z0-9_])`, "g"), () => "$USERNAME");
}
