import { describe, expect, test } from "vitest";
import { anyOfJson } from "../../../api/core/typeurl.js";
import { imageOf, LXD_OPTIONS_TYPE, type LxdOptions, parseLxdOptions } from "./options.js";

const parse = (options: object): LxdOptions => parseLxdOptions(anyOfJson(LXD_OPTIONS_TYPE, options));
const FINGERPRINT = "0123456789abcdef";

describe("options of the LXD runtime", () => {
  test("none are the defaults", () => {
    expect(parseLxdOptions(undefined)).toEqual({});
  });

  test.each([
    ["an alias", { image: { alias: "debian/12" } }],
    ["a fingerprint", { image: { fingerprint: FINGERPRINT } }],
    ["a server's alias", { image: { server: "https://images.example", alias: "debian/12" } }],
    ["archives", { image: { rootfs: "/a/rootfs.squashfs", metadata: "/a/metadata.tar.xz" } }],
    ["one archive", { image: { unified: "/a/image.tar.gz" } }],
    ["an instance", { instance: "penguin" }],
    [
      "everything else",
      {
        name: "web-1",
        config: { "limits.memory": "1GiB" },
        devices: { eth0: { type: "nic", network: "lxdbr0" } },
        profiles: [],
        init: ["sh", "-c", "exit 7"],
      },
    ],
  ])("%s", (_, options) => {
    expect(parse(options)).toEqual(options);
  });

  test.each([
    ["an unknown one", { imege: {} }, /imege/],
    ["an alias and a fingerprint", { image: { alias: "a", fingerprint: FINGERPRINT } }, /image/],
    ["a server that is not https", { image: { server: "http://images.example", alias: "a" } }, /image/],
    ["a relative path", { image: { rootfs: "rootfs", metadata: "/a" } }, /image/],
    ["an underscore in a name", { name: "a_b" }, /name: no name of an LXD instance/],
    ["a number for a name", { instance: "12" }, /instance: no name/],
    ["a setting that is no text", { config: { "limits.cpu": 1 } }, /config: limits\.cpu/],
    [
      "an instance with an image",
      { instance: "a", image: { alias: "a" }, config: {} },
      /not together with image, config/,
    ],
    ["an init of nothing", { init: [] }, /init/],
  ])("not %s", (_, options, message) => {
    expect(() => parse(options)).toThrow(message);
    expect(() => parse(options)).toThrow(expect.objectContaining({ kind: "invalid_argument" }));
  });

  test("the record's image is an alias, unless the options name one", () => {
    expect(imageOf({}, "debian")).toEqual({ alias: "debian" });
    expect(imageOf({ image: { alias: "other" } }, "debian")).toEqual({ alias: "other" });
    expect(() => imageOf({}, "")).toThrow(expect.objectContaining({ kind: "invalid_argument" }));
  });
});
