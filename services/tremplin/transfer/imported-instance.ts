// The instance that an import has made, on its way to the name that it is meant for.
import { getInstance, renameInstance, updateInstance } from "../../../runtime/lxd/instances.js";
import { keepRecord } from "../container-record.js";
import { removeContainer } from "../containers.js";
import { findInstance, removeInstance } from "../instances.js";
import { IMPORT_NAME } from "../names.js";
import type { Tremplin } from "../tremplin.js";

/** Setting of a whole instance: the name that it takes as soon as the container that has it is gone. */
const TARGET_MARK = "user.tremplin.import-target";
const REMOVAL_TIMEOUT_MS = 120_000;

/**
 * Puts the imported instance in the place of the container of that name, which is stopped by force and removed. For a moment there is
 * neither under that name: {@link goOnTakingName} ends what a killed server began.
 */
export async function takeName(tremplin: Tremplin, name: string): Promise<void> {
  const { lxd, names, log } = tremplin;
  await updateInstance(lxd, IMPORT_NAME, { config: { [TARGET_MARK]: name } });
  await names.run(name, async () => {
    try {
      await removeContainer(tremplin, name, removalSignal());
    } catch (err) {
      if ((await findInstance(tremplin, name)) !== undefined) throw err;
      // There is no way back to it any more.
      log.warn({ name, err }, "something of the container before stays");
    }
    await rename(tremplin, name);
    await keepRecord(tremplin, await getInstance(lxd, name));
  });
}

/** What was whole when the server was killed, and has nobody in its way any more, takes its name; all else that was imported goes. */
export async function goOnTakingName(tremplin: Tremplin): Promise<void> {
  const imported = await findInstance(tremplin, IMPORT_NAME);
  const name = imported?.config[TARGET_MARK];
  if (name !== undefined && (await findInstance(tremplin, name)) === undefined) await rename(tremplin, name);
  else await removeImported(tremplin);
}

/** None is fine. */
export const removeImported = (tremplin: Tremplin): Promise<void> =>
  removeInstance(tremplin, IMPORT_NAME, removalSignal());

async function rename({ lxd }: Tremplin, name: string): Promise<void> {
  await renameInstance(lxd, IMPORT_NAME, name);
  await updateInstance(lxd, name, { config: { [TARGET_MARK]: "" } });
}

/** Nobody's wish to stop counts here. */
const removalSignal = (): AbortSignal => AbortSignal.timeout(REMOVAL_TIMEOUT_MS);
