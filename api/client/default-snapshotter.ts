// Where layers are unpacked when nobody says.
// @source containerd defaults/defaults_unix.go (DefaultSnapshotter)

/** For root as containerd has it; the daemon of any other user can mount nothing, and `native` works without. */
export function defaultSnapshotter(): string {
  return process.getuid?.() === 0 ? "overlayfs" : "native";
}
