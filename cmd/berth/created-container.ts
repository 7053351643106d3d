// A container that has just been made, and what its task is to be given.
import type { NewContainer } from "../../api/core/container.js";
import type { Mount } from "../../api/core/task.js";

export interface CreatedContainer {
  readonly container: NewContainer;
  /** What its task is given. */
  readonly rootfs: readonly Mount[];
}
