// SetUpUser: makes the user of a container, with the users and groups that the host expects beside it.
import { unknownError } from "../../api/core/errors.js";
import {
  type SetUpUserRequest,
  SetUpUserResponse,
  SetUpUserResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { openSftp, type Sftp } from "../../runtime/lxd/sftp.js";
import { lxdNotRunning, reasonOf } from "./failure.js";
import { checkContainerName } from "./names.js";
import type { Tremplin } from "./tremplin.js";
import { readAccounts, writeAccounts } from "./users/account-files.js";
import { type Accounts, findUser } from "./users/accounts.js";
import { PRIMARY_ID, setUpAccounts, withoutName } from "./users/crostini.js";
import { ensureHome, ensureLinger } from "./users/home.js";

const NS_PER_DAY = 86_400_000_000_000n;
const answer = SetUpUserResponse.fromPartial;

export async function setUpUser(
  { engine, lxd, clock, names }: Pick<Tremplin, "engine" | "lxd" | "clock" | "names">,
  { containerName, containerUsername }: SetUpUserRequest,
): Promise<SetUpUserResponse> {
  if (!engine.isStarted()) throw lxdNotRunning();
  checkContainerName(containerName);
  const today = Number(clock() / NS_PER_DAY);
  // No container is called so: what else is done to it need not wait, another SetUpUser has to.
  return await names.run(`${containerName}/users`, () => setUp(lxd, containerName, containerUsername, today));
}

async function setUp(
  lxd: Tremplin["lxd"],
  containerName: string,
  wantedName: string,
  today: number,
): Promise<SetUpUserResponse> {
  let sftp: Sftp | undefined;
  let before: Accounts;
  try {
    sftp = await openSftp(lxd, containerName);
    before = await readAccounts(sftp);
  } catch (error) {
    sftp?.[Symbol.dispose]();
    return answer({ status: Status.UNKNOWN, failureReason: `failed to get container passwd db: ${reasonOf(error)}` });
  }
  using files = sftp;
  try {
    const after = setUpAccounts(before, wantedName, today);
    await writeAccounts(files, before, after);
    const user = findUser(after, PRIMARY_ID);
    if (user === undefined) throw unknownError("the user is not in what was written");
    await ensureHome(files, user);
    await ensureLinger(files, user.name);
    return answer({ status: Status.SUCCESS, username: user.name });
  } catch (error) {
    const name = findUser(before, PRIMARY_ID)?.name ?? wantedName;
    return answer({ status: Status.FAILED, failureReason: withoutName(reasonOf(error), name) });
  }
}
