// GetContainerUsername: who the user of a container is, whether it runs or not.
import { isNotFound } from "../../api/core/errors.js";
import {
  type GetContainerUsernameRequest,
  GetContainerUsernameResponse,
  GetContainerUsernameResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { openSftp, type Sftp } from "../../runtime/lxd/sftp.js";
import { lxdNotRunning, reasonOf } from "./failure.js";
import { checkContainerName } from "./names.js";
import type { Tremplin } from "./tremplin.js";
import { readPasswd } from "./users/account-files.js";
import { findUser } from "./users/accounts.js";
import { PRIMARY_ID } from "./users/crostini.js";

const answer = GetContainerUsernameResponse.fromPartial;

export async function getContainerUsername(
  { engine, lxd }: Pick<Tremplin, "engine" | "lxd">,
  { containerName }: GetContainerUsernameRequest,
): Promise<GetContainerUsernameResponse> {
  if (!engine.isStarted()) throw lxdNotRunning();
  let sftp: Sftp;
  try {
    checkContainerName(containerName);
    sftp = await openSftp(lxd, containerName);
  } catch (error) {
    const isMissing = isNotFound(error);
    return answer({ status: isMissing ? Status.CONTAINER_NOT_FOUND : Status.FAILED, failureReason: reasonOf(error) });
  }
  using files = sftp;
  try {
    const user = findUser({ passwd: await readPasswd(files) }, PRIMARY_ID);
    if (user === undefined)
      return answer({ status: Status.USER_NOT_FOUND, failureReason: "failed to find user for uid" });
    return answer({ status: Status.SUCCESS, username: user.name, homedir: user.home });
  } catch (error) {
    const failureReason = `failed to get container passwd db: ${reasonOf(error)}`;
    return answer({ status: Status.FAILED, failureReason });
  }
}
