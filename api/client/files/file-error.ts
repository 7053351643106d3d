// What a system call refused, as the kind of error that callers test.
import { ContainerdError, type ErrorKind, errorOf } from "../../core/errors.js";
import { TarError } from "../../core/tar/header.js";

const KINDS: Readonly<Record<string, ErrorKind>> = {
  ENOENT: "not_found",
  ENOTDIR: "failed_precondition",
  EISDIR: "failed_precondition",
  ELOOP: "failed_precondition",
  EROFS: "failed_precondition",
  EBUSY: "failed_precondition",
  ENAMETOOLONG: "invalid_argument",
  EACCES: "permission_denied",
  EPERM: "permission_denied",
  ENOSPC: "resource_exhausted",
  EDQUOT: "resource_exhausted",
  EMFILE: "resource_exhausted",
};

function toFileError(subject: string, error: unknown): unknown {
  if (error instanceof ContainerdError) return error;
  if (error instanceof TarError) return errorOf("invalid_argument", `${subject}: ${error.message}`, error);
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return error;
  const kind = KINDS[error.code];
  return kind === undefined ? error : errorOf(kind, `${subject}: ${error.message}`, error);
}

/** Runs something that calls the system for `subject`, a path as people read it. */
export const fileError = {
  sync<T>(subject: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw toFileError(subject, error);
    }
  },
  async async<T>(subject: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toFileError(subject, error);
    }
  },
};
