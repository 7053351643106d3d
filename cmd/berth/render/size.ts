// Sizes as containerd's own client prints them.
// @source containerd pkg/progress/humaans.go, docker/go-units (CustomSize)

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** `1.0 MiB`: one digit behind the point, powers of 1024. */
export function renderSize(sizeBytes: number): string {
  let [size, unit] = [sizeBytes, 0];
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size.toFixed(1)} ${UNITS[unit] ?? ""}`;
}
