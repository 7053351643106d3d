// WWW-Authenticate: what a registry wants to see before it answers.
// @source RFC 9110, 11.6.1; containerd core/remotes/docker/auth/parse.go

export interface Challenge {
  /** `bearer`, `basic`, `digest`, in lower case. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = new RegExp(`^\\s*(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))\\s*(?:,|$)`);
const SCHEME = new RegExp(`^\\s*,?\\s*(${TOKEN})(?:\\s+|\\s*,|$)`);

/** All challenges of a header that may hold several. What cannot be read is left out. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  let rest = header;
  for (let match = SCHEME.exec(rest); match !== null; match = SCHEME.exec(rest)) {
    rest = rest.slice(match[0].length);
    const parameters: [string, string][] = [];
    for (let found = PARAMETER.exec(rest); found !== null; found = PARAMETER.exec(rest)) {
      const [all, name = "", quoted, bare = ""] = found;
      parameters.push([name.toLowerCase(), quoted === undefined ? bare : quoted.replace(/\\(.)/g, "$1")]);
      rest = rest.slice(all.length);
    }
    challenges.push({ scheme: (match[1] ?? "").toLowerCase(), parameters: Object.fromEntries(parameters) });
  }
  return challenges;
}
