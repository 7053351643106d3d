// The names that images of an archive get.
// @source containerd core/images/archive/reference.go, client/import.go
import type { Descriptor } from "../../../core/descriptor.js";

export const IMAGE_NAME = "io.containerd.image.name";
export const REF_NAME = "org.opencontainers.image.ref.name";

export interface ImageNaming {
  /** Takes only what is of this name, and gives it to plain tags. Default: tags get `import-<date>`. */
  readonly baseName?: string | undefined;
  /** A name with the digest as well. Default: false. */
  readonly digests?: boolean;
  /** But not for what has a name already. Default: false. */
  readonly skipDigestForNamed?: boolean;
  /** `YYYY-MM-DD`, for names of what has only a tag; default: today. */
  readonly date?: string;
}

const localDate = (): string => {
  const now = new Date();
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
};

const isOf = (name: string, base: string): boolean =>
  name === base || (name.startsWith(base) && /[/:@]/.test(name.charAt(base.length)));

/** The names of one image; none when it is not wanted. */
export function namesOf({ annotations, digest }: Descriptor, naming: ImageNaming): string[] {
  const { baseName, digests = false } = naming;
  const prefix = baseName ?? `import-${naming.date ?? localDate()}`;
  const names: string[] = [];
  const full = annotations[IMAGE_NAME];
  const ref = annotations[REF_NAME];
  const name = full !== undefined && full !== "" ? full : fromRef(ref, prefix, baseName !== undefined);
  if (name !== undefined && (baseName === undefined || isOf(name, baseName))) names.push(name);
  if (digests && !(naming.skipDigestForNamed === true && names.length > 0)) names.push(`${prefix}@${digest}`);
  return names;
}

/** A name stays as it is, a tag gets one in front. With a base name a name of another is none. */
function fromRef(ref: string | undefined, prefix: string, hasBase: boolean): string | undefined {
  if (ref === undefined || ref === "") return undefined;
  if (/[/:@]/.test(ref)) return hasBase && !isOf(ref, prefix) ? undefined : ref;
  return `${prefix}:${ref}`;
}
