// What, typed into a terminal, ends its stream at the engine. Nothing turns that off, and clients of containerd know no such keys: so
// they are sequences that nobody types. An engine holds their first key back until the next one comes.
// @source moby/term (ascii.go, proxy.go)

/** In the query of an attachment: bytes, none of which is of UTF-8. */
export const ATTACH_DETACH_KEYS = ["%FF", "%C0", "%FE", "%C1", "%FD", "%F5", "%FC", "%F6"].join(",");

/** As `DetachKeys` of an exec, where it is JSON and bytes cannot be said. */
export const EXEC_DETACH_KEYS = "ctrl-^,ctrl-@,ctrl-_,ctrl-^,ctrl-@,ctrl-_,ctrl-^,ctrl-@";
