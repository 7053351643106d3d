// What a container's spec says of its files. A spec of another form says nothing.
import * as z from "zod";
import type { Container } from "../../core/container.js";
import { SAME_USERS, type UserMap, userMapOf } from "./id-ranges.js";

const rangesSchema = z
  .array(z.object({ containerID: z.int(), hostID: z.int(), size: z.int() }))
  .nullish()
  .transform((ranges) =>
    (ranges ?? []).map(({ containerID, hostID, size }) => ({ inside: containerID, outside: hostID, count: size })),
  );

const specSchema = z.object({
  root: z.object({ path: z.string().default("") }).nullish(),
  linux: z.object({ uidMappings: rangesSchema, gidMappings: rangesSchema }).nullish(),
});

export interface SpecParts {
  /** As it stands; "" when there is none. */
  readonly root: string;
  readonly users: UserMap;
}

export function specPartsOf({ spec }: Pick<Container, "spec">): SpecParts {
  const parsed = specSchema.safeParse(jsonOf(spec.value));
  const { root, linux } = parsed.success ? parsed.data : {};
  const { uidMappings = [], gidMappings = [] } = linux ?? {};
  const users = uidMappings.length + gidMappings.length === 0 ? SAME_USERS : userMapOf(uidMappings, gidMappings);
  return { root: root?.path ?? "", users };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}
