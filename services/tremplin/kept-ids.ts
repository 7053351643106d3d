// Which users a container may have in common with the host. LXD takes the wide ranges of root in /etc/subuid for its containers and refuses
// users within them; newuidmap, by which they are mapped, takes every line of root and refuses all other users.
import { readFile } from "node:fs/promises";

/** LXD looks for a range of at least that many. */
const RANGE = 65_536;
const FILES = ["etc/subuid", "etc/subgid"] as const;

/** @param pid of LXD, which may see other files than this process does. */
export async function keptIds(pid: number, wanted: readonly number[]): Promise<number[]> {
  const texts = await Promise.all(FILES.map((file) => readFile(`/proc/${pid}/root/${file}`, "utf8").catch(() => "")));
  return wanted.filter((id) => texts.every((text) => mayKeep(text, id)));
}

/** Whether LXD and newuidmap take this id, by the text of such a file. */
export function mayKeep(text: string, id: number): boolean {
  const lines = text.split("\n").map((line) => {
    const [who = "", start = "", count = ""] = line.trim().split(":");
    return { who, start: Number(start), count: Number(count) };
  });
  const covering = lines.filter(
    ({ who, start, count }) => (who === "root" || who === "0") && start <= id && id < start + count,
  );
  return covering.length > 0 && covering.every(({ who, count }) => who !== "root" || count < RANGE);
}
