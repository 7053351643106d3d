// The OCI spec of a container's record, as far as commands look into it.
import { z } from "zod";
import type { Container } from "../../api/core/container.js";
import { invalidArgument, wrapError } from "../../api/core/errors.js";

const SpecSchema = z.looseObject({
  process: z
    .looseObject({
      terminal: z.boolean().optional(),
      user: z.looseObject({ uid: z.number(), gid: z.number() }).default({ uid: 0, gid: 0 }),
      args: z.array(z.string()).default([]),
      env: z.array(z.string()).optional(),
      cwd: z.string().default("/"),
    })
    .optional(),
  root: z.looseObject({ path: z.string() }).optional(),
});

export type KnownSpec = z.infer<typeof SpecSchema>;

/** Members that this program does not know are kept. @throws invalid_argument when it is not an OCI spec. */
export function readSpec(container: Container): KnownSpec {
  try {
    return SpecSchema.parse(JSON.parse(container.spec.value.toString()));
  } catch (error) {
    throw wrapError(`spec of container ${container.id}`, invalidArgument("it is no OCI runtime spec", error));
  }
}
