// JSON laid out for people with every token as it was: numbers of 64 bits keep digits that JavaScript's own would lose.

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs;

/** Two spaces a level, a newline at the end. @throws SyntaxError for what is no JSON. */
export function indentJson(text: string): string {
  JSON.parse(text);
  let level = 0;
  let result = "";
  let before = "";
  const newline = (): string => `\n${"  ".repeat(level)}`;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "}" || token === "]") {
      level -= 1;
      result += before === "{" || before === "[" ? token : newline() + token;
    } else {
      if (before === "{" || before === "[" || before === ",") result += newline();
      result += token === ":" ? ": " : token;
      if (token === "{" || token === "[") level += 1;
    }
    before = token;
  }
  return `${result}\n`;
}

/** The same tokens without a space between them. @throws SyntaxError for what is no JSON. */
export function compactJson(text: string): string {
  JSON.parse(text);
  return [...text.matchAll(TOKEN)].map(([token]) => token).join("");
}
