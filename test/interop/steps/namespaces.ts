// Namespaces: made, listed, labelled, removed, and what is refused.
import { command, type Step } from "../step.js";

export const namespaces: readonly Step[] = [
  command(["ns", "create", "other", "b=2", "a=1"]),
  command(["ns", "create", "other"]),
  command(["ns", "create", "bad name"]),
  command(["ns", "create", "plain"]),
  command(["ns", "ls"]),
  command(["ns", "ls", "-q"]),
  command(["ns", "label", "other", "a=", "c=x/y"]),
  command(["ns", "label", "unheard-of", "a=b"]),
  command(["ns", "ls"]),
  command(["ns", "rm", "other"]),
  command(["ns", "rm", "plain", "unheard-of"]),
  command(["ns", "rm", "other"]),
  command(["ns", "ls"]),
];
