// Help texts as paragraphs and as lines that stay as they are, which are those that begin with two spaces.

export interface Block {
  readonly isLiteral: boolean;
  readonly lines: readonly string[];
}

export function blocksOf(text: string): Block[] {
  const blocks: { isLiteral: boolean; lines: string[] }[] = [];
  for (const part of text.split(/\n{2,}/)) {
    for (const line of part.split("\n").filter((one) => one.trim() !== "")) {
      const isLiteral = line.startsWith("  ");
      const last = blocks.at(-1);
      const goesOn = last !== undefined && last.isLiteral === isLiteral && (isLiteral || !part.startsWith(line));
      if (goesOn) last.lines.push(isLiteral ? line.slice(2) : line);
      else blocks.push({ isLiteral, lines: [isLiteral ? line.slice(2) : line] });
    }
  }
  return blocks;
}
