// What is told of requests to whoever looks for a fault: heads alone, and nothing in them that lets somebody in. Bodies are not told:
// they are layers, documents, and what token servers hand out.
// @source containerd pkg/httpdbg
import { lookup } from "node:dns";
import type { LookupFunction, Socket } from "node:net";

/** Hears what a registry client says over the wire, to find a fault. Bodies are never told. */
export interface HttpWatcher {
  /** Hears of each request and answer: its head, with what is secret hidden. */
  readonly onHead?: ((text: string) => void) | undefined;
  /** Hears of names that are looked up and connections that are made, a line each. */
  readonly onConnection?: ((line: string) => void) | undefined;
}

export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const HIDDEN = "<hidden>";
/** Of headers whose values are told with their addresses cleaned. All others are hidden: anything may be a key somewhere. */
const TOLD_HEADERS = new Set([
  ...["accept", "accept-ranges", "cache-control", "connection", "content-encoding", "content-length", "content-range"],
  ...["content-type", "date", "docker-content-digest", "docker-distribution-api-version", "docker-upload-uuid", "etag"],
  ...[
    "host",
    "keep-alive",
    "last-modified",
    "location",
    "oci-subject",
    "range",
    "ratelimit-limit",
    "ratelimit-remaining",
  ],
  ...["retry-after", "server", "transfer-encoding", "user-agent", "vary", "via", "warning", "www-authenticate"],
]);
/** Of queries that say what is asked for and not who asks. */
const TOLD_PARAMETERS = new Set(["digest", "from", "last", "mount", "n", "ns", "scope", "service"]);

function shownQuery(query: string): string {
  return query
    .split("&")
    .map((pair) => {
      const name = pair.split("=", 1)[0] ?? "";
      return TOLD_PARAMETERS.has(name) || !pair.includes("=") ? pair : `${name}=${HIDDEN}`;
    })
    .join("&");
}

/** A text with the queries and passwords of the addresses in it hidden. */
export function shownText(text: string): string {
  return text
    .replace(/\/\/[^/@\s"]*@/g, `//${HIDDEN}@`)
    .replace(/[?#]([^\s"<>#]*)/g, (match, query: string) => `${match.charAt(0)}${shownQuery(query)}`);
}

function shownHeaders(headers: Headers): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value ?? ""]).map((each: string) => {
      const isTold = TOLD_HEADERS.has(name.toLowerCase());
      return `${name}: ${isTold ? shownText(each) : HIDDEN}\r\n`;
    }),
  );
  return `${lines.join("")}\r\n`;
}

export function requestHead(method: string, address: string, headers: Headers): string {
  const { host, pathname, search } = new URL(address);
  return `${method} ${shownText(`${pathname}${search}`)} HTTP/1.1\r\n${shownHeaders({ host, ...headers })}`;
}

export function answerHead(status: number, headers: Headers): string {
  return `HTTP/1.1 ${status}\r\n${shownHeaders(headers)}`;
}

/** Looks names up and says so. */
export function toldLookup(onConnection: (line: string) => void): LookupFunction {
  return (hostname, options, callback) => {
    onConnection(`DNS lookup host=${hostname}\n`);
    lookup(hostname, options, (error, address, family) => {
      const addresses = Array.isArray(address) ? address.map((each) => each.address).join(",") : address;
      onConnection(error === null ? `DNS lookup complete result=${addresses}\n` : `DNS lookup error ${error.code}\n`);
      callback(error, address, family);
    });
  };
}

export const connectionLine = ({ remoteAddress = "", remotePort = 0 }: Socket): string =>
  `Connection successful reused=false remote_addr=${remoteAddress}:${remotePort}\n`;
