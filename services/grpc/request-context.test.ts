import { Metadata } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { parsePeerName, peerName, requestContext } from "./request-context.js";

const { signal } = new AbortController();

function contextOf(headers: readonly (readonly [string, string])[]) {
  const metadata = new Metadata();
  for (const [key, value] of headers) metadata.add(key, value);
  return requestContext(metadata, { signal }, "unknown");
}

describe("requestContext", () => {
  test.each<{ headers: [string, string][]; namespace: string | undefined }>([
    { headers: [], namespace: undefined },
    { headers: [["containerd-namespace", "a"]], namespace: "a" },
    { headers: [["containerd-namespace", ""]], namespace: "" },
    { headers: [["containerd-namespace", "b, a"]], namespace: "b" },
    { headers: [["containerd-namespace", " b ,a"]], namespace: "b" },
    {
      headers: [
        ["containerd-namespace", "b"],
        ["containerd-namespace", "a"],
      ],
      namespace: "b",
    },
    { headers: [["containerd-namespace-ttrpc", "t"]], namespace: undefined },
  ])("$headers gives the namespace $namespace", ({ headers, namespace }) => {
    expect(contextOf(headers).namespace).toBe(namespace);
  });

  test.each<{ headers: [string, string][]; leaseId: string | undefined }>([
    { headers: [], leaseId: undefined },
    { headers: [["containerd-lease", ""]], leaseId: "" },
    { headers: [["containerd-lease", "new, old"]], leaseId: "new" },
  ])("$headers gives the lease $leaseId", ({ headers, leaseId }) => {
    expect(contextOf(headers).leaseId).toBe(leaseId);
  });

  test("credentials survive the way through the peer's name", () => {
    const peer = { pid: 12, uid: 4_294_967_294, gid: 0 };
    expect(parsePeerName(peerName(peer))).toEqual(peer);
    expect(parsePeerName("unknown")).toBeUndefined();
    expect(requestContext(new Metadata(), { signal }, peerName(peer)).peer).toEqual(peer);
  });
});
