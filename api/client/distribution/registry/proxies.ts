// Which HTTP proxy stands between us and an address, by the environment, with the rules of Go's programs: an administrator who
// has set a machine up for containerd has set it up for us.
// @source golang.org/x/net/http/httpproxy
import { BlockList, isIP } from "node:net";
import { invalidArgument } from "../../../core/errors.js";

type Environment = Readonly<Record<string, string | undefined>>;

const PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

const variable = (env: Environment, name: string): string => env[name] || env[name.toLowerCase()] || "";

const family = (address: string): "ipv4" | "ipv6" => (isIP(address) === 6 ? "ipv6" : "ipv4");

const isLoopback = (name: string): boolean => name === "localhost" || name === "::1" || /^127(?:\.\d+){3}$/.test(name);

/** Whether an entry such as `10.0.0.0/8` holds the address. */
function isWithin(network: string, address: string): boolean {
  const [base = "", bits = ""] = network.split("/");
  if (isIP(base) === 0 || isIP(address) !== isIP(base) || !/^\d+$/.test(bits)) return false;
  const list = new BlockList();
  try {
    list.addSubnet(base, Number(bits), family(base));
  } catch {
    // More bits than an address has: it holds nothing.
    return false;
  }
  return list.check(address, family(address));
}

function isExcepted(entry: string, name: string, port: string): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return isWithin(entry, name);
  const [, host = entry, itsPort = ""] = /^(.*?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
  if (itsPort !== "" && itsPort !== port) return false;
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  if (isIP(bare) !== 0) return bare === name;
  // `.example.org` and `*.example.org` are what is below; `example.org` is that and itself.
  if (bare.startsWith("*.") || bare.startsWith(".")) return name.endsWith(bare.replace(/^\*/, ""));
  return name === bare || name.endsWith(`.${bare}`);
}

/** The proxy for an address; undefined: none. @throws invalid_argument for a proxy that is no http address. */
export function proxyFor({ protocol, hostname, port }: URL, env: Environment): string | undefined {
  const proxy = variable(env, protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  // Where the server of a CGI program sets it from a request's header, it is a stranger's word.
  if (proxy === "" || (protocol === "http:" && env["REQUEST_METHOD"] !== undefined)) return undefined;
  const name = hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (isLoopback(name)) return undefined;
  const entries = variable(env, "NO_PROXY").toLowerCase().split(",");
  const own = port === "" ? (PORTS[protocol] ?? "") : port;
  if (entries.some((entry) => entry.trim() !== "" && isExcepted(entry.trim(), name, own))) return undefined;
  const whole = proxy.includes("://") ? proxy : `http://${proxy}`;
  if (!URL.canParse(whole) || !["http:", "https:", "socks5:"].includes(new URL(whole).protocol)) {
    // It may hold a password: it is not shown.
    throw invalidArgument("the proxy that the environment names is no http address");
  }
  return whole;
}
