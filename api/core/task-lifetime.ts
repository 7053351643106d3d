// How long a task lives: for itself, or no longer than the daemon that made it. Its spec says so.

/** The annotation of an OCI spec. */
export const LIFETIME_ANNOTATION = "berth.io/lifetime";
/** Its one value that means something: the task is killed when its daemon ends, however that ends. */
export const WITH_DAEMON = "daemon";

/** Whether these annotations of a spec bind its task to the daemon. */
export function endsWithDaemon(annotations: Readonly<Record<string, unknown>>): boolean {
  return Object.hasOwn(annotations, LIFETIME_ANNOTATION) && annotations[LIFETIME_ANNOTATION] === WITH_DAEMON;
}
