// Whose files are: users and groups inside of what lies outside, shifted by a map of LXD's.
// @source LXD shared/idmap (the map's form, what it shifts)
import * as z from "zod";
import type { IdMap } from "../../../api/client/files/map-xattr.js";

const rangesSchema = z.array(
  z.object({
    Isuid: z.boolean(),
    Isgid: z.boolean(),
    /** First number outside. */
    Hostid: z.number(),
    /** First number inside. */
    Nsid: z.number(),
    Maprange: z.number(),
  }),
);

type Range = z.infer<typeof rangesSchema>[number];

/** From outside to inside; what no range knows stays as it is. `json` is an instance's `volatile.last_state.idmap`: none, or an empty one, for files that are not shifted. @throws for another form. */
export function parseIdMap(json: string | undefined): IdMap {
  const ranges = json === undefined || json === "" ? [] : rangesSchema.parse(JSON.parse(json));
  const uids = ranges.filter(({ Isuid }) => Isuid);
  const gids = ranges.filter(({ Isgid }) => Isgid);
  return { uid: (id) => inside(uids, id), gid: (id) => inside(gids, id) };
}

function inside(ranges: readonly Range[], id: number): number {
  for (const { Hostid, Nsid, Maprange } of ranges) {
    if (id >= Hostid && id < Hostid + Maprange) return id - Hostid + Nsid;
  }
  return id;
}
