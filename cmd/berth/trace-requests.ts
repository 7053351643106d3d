// --http-trace and --http-dump: what is said to registries, told on stderr. What lets somebody in is not shown.
import { subscribe } from "node:diagnostics_channel";

const SECRET = new Set(["authorization", "cookie", "set-cookie", "proxy-authorization"]);

interface TracedRequest {
  readonly origin?: unknown;
  readonly method?: unknown;
  readonly path?: unknown;
  readonly headers?: unknown;
}

interface Traced {
  readonly request?: TracedRequest;
  readonly response?: { readonly statusCode?: unknown; readonly headers?: unknown };
}

/** Tells of every request from here on. */
export function traceRequests(options: { readonly headers: boolean }): void {
  subscribe("undici:request:create", (message) => {
    // diagnostics channels carry unknown values; undici documents this form
    const { request } = message as Traced;
    tell(`> ${request?.method} ${request?.origin}${pathOf(request)}`, options.headers ? request?.headers : undefined);
  });
  subscribe("undici:request:headers", (message) => {
    const { request, response } = message as Traced; // as above
    tell(
      `< ${response?.statusCode} ${request?.method} ${pathOf(request)}`,
      options.headers ? response?.headers : undefined,
    );
  });
}

/** Without its query, which may carry signatures. */
function pathOf(request: TracedRequest | undefined): string {
  return String(request?.path ?? "").replace(/\?.*$/s, "?…");
}

function tell(line: string, headers: unknown): void {
  process.stderr.write(`${line}\n`);
  if (!Array.isArray(headers)) return;
  const words: string[] = headers.map(String);
  for (let at = 0; at + 1 < words.length; at += 2) {
    const [name = "", value = ""] = [words[at], words[at + 1]];
    process.stderr.write(`    ${name}: ${SECRET.has(name.toLowerCase()) ? "(not shown)" : value}\n`);
  }
}
