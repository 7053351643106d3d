import { describe, expect, test } from "vitest";
import { proxyFor } from "./proxies.js";

const PROXY = "http://proxy.example:3128";

describe("the proxy for an address", () => {
  test.each<[string, string, Record<string, string>, string | undefined]>([
    ["none is set", "https://a.example/", {}, undefined],
    ["one for https", "https://a.example/", { HTTPS_PROXY: PROXY }, PROXY],
    ["one for http alone", "https://a.example/", { HTTP_PROXY: PROXY }, undefined],
    ["in small letters", "http://a.example/", { http_proxy: PROXY }, PROXY],
    ["capitals first", "http://a.example/", { HTTP_PROXY: PROXY, http_proxy: "http://other" }, PROXY],
    ["without a scheme", "https://a.example/", { HTTPS_PROXY: "proxy.example:3128" }, PROXY],
    ["never for loopback", "http://localhost:5000/", { HTTP_PROXY: PROXY }, undefined],
    ["never for loopback by address", "http://127.1.2.3/", { HTTP_PROXY: PROXY }, undefined],
    ["never for loopback by IPv6", "http://[::1]:5000/", { HTTP_PROXY: PROXY }, undefined],
    ["not in a CGI program", "http://a.example/", { HTTP_PROXY: PROXY, REQUEST_METHOD: "GET" }, undefined],
  ])("%s", (_what, url, env, want) => {
    expect(proxyFor(new URL(url), env)).toBe(want);
  });

  test.each([
    ["*", "https://a.example/", false],
    ["a.example", "https://a.example/", false],
    ["a.example", "https://b.a.example/", false],
    ["a.example", "https://ba.example/", true],
    [".a.example", "https://a.example/", true],
    [".a.example", "https://b.a.example/", false],
    ["*.a.example", "https://b.a.example/", false],
    ["x, A.EXAMPLE ,", "https://a.example/", false],
    ["a.example:443", "https://a.example/", false],
    ["a.example:5000", "https://a.example/", true],
    ["a.example:5000", "https://a.example:5000/", false],
    ["10.0.0.0/8", "https://10.9.8.7/", false],
    ["10.0.0.0/8", "https://11.9.8.7/", true],
    ["10.0.0.0/99", "https://10.9.8.7/", true],
    ["10.0.0.0/8", "https://a.example/", true],
    ["10.1.1.1", "https://10.1.1.1/", false],
    ["fd00::/8", "https://[fd00::1]/", false],
    ["fd00::1", "https://[fd00::1]/", false],
  ])("NO_PROXY=%s, %s: goes through it: %s", (exceptions, url, isProxied) => {
    const env = { HTTPS_PROXY: PROXY, NO_PROXY: exceptions };
    expect(proxyFor(new URL(url), env)).toBe(isProxied ? PROXY : undefined);
  });

  test("one that is no address is refused without being told", () => {
    const env = { HTTPS_PROXY: "ftp://user:hush@proxy" };
    expect(() => proxyFor(new URL("https://a.example/"), env)).toThrow(/^the proxy that the environment names is no/);
  });
});
