// What the options of the runtime make of a container.
import { describe, expect, test } from "vitest";
import { clientSpec, type JsonObject } from "../../../../test/helpers/client-specs.js";
import { dockerBody } from "../../../../test/helpers/docker-bodies.js";

describe("options", () => {
  const given = (options: JsonObject, changes: JsonObject = {}) => dockerBody(clientSpec("", changes), options);

  test("with the image's defaults args follow the entry point, and silence is the image's", () => {
    const options = { imageDefaults: true };
    const { Entrypoint, Healthcheck, User, WorkingDir, Env, Cmd } = dockerBody({ process: { args: ["x"] } }, options);
    expect({ Entrypoint, Healthcheck, User, WorkingDir, Env, Cmd }).toEqual({ Cmd: ["x"] });
    expect(dockerBody({ process: { cwd: "" } }, options).Cmd).toBeUndefined();
    expect(dockerBody({ process: { user: { uid: 5 } } }, options).User).toBe("5:0");
  });

  test("with the image's defaults a variable can be taken away, and the entry point replaced", () => {
    const spec = { process: { args: ["x"], env: ["HOME"] } };
    const { Entrypoint, Cmd, Env } = dockerBody(spec, { imageDefaults: true, replaceEntrypoint: true });
    expect({ Entrypoint, Cmd, Env }).toEqual({ Entrypoint: ["x"], Cmd: [], Env: ["HOME"] });
    expect(() => dockerBody({ process: { env: [""] } }, { imageDefaults: true })).toThrow("process.env");
  });

  test("a user can be named", () => {
    expect(given({ user: "app:more" }).User).toBe("app:more");
    expect(given({ user: "app" }, { process: { user: { additionalGids: [5] } } }).HostConfig).toMatchObject({
      GroupAdd: ["5"],
    });
  });

  test("stdin is open once", () => {
    const body = dockerBody(clientSpec(), {}, { stdin: "/fifo" });
    expect(body).toMatchObject({ OpenStdin: true, StdinOnce: true, AttachStdin: true });
  });

  test("networks and ports", () => {
    const options = {
      network: "lab",
      networkAliases: ["web"],
      ports: [
        { containerPort: 80 },
        { containerPort: 80, hostIp: "0.0.0.0", hostPort: 8080 },
        { containerPort: 53, protocol: "udp" },
      ],
      expose: ["443", "1/sctp"],
      publishAll: true,
      extraHosts: ["a:1.2.3.4"],
      dns: ["9.9.9.9"],
    };
    expect(given(options)).toMatchObject({
      ExposedPorts: { "443/tcp": {}, "1/sctp": {}, "80/tcp": {}, "53/udp": {} },
      NetworkingConfig: { EndpointsConfig: { lab: { Aliases: ["web"] } } },
      HostConfig: {
        NetworkMode: "lab",
        PortBindings: {
          "80/tcp": [
            { HostIp: "127.0.0.1", HostPort: "" },
            { HostIp: "0.0.0.0", HostPort: "8080" },
          ],
          "53/udp": [{ HostIp: "127.0.0.1", HostPort: "" }],
        },
        PublishAllPorts: true,
        ExtraHosts: ["a:1.2.3.4"],
        Dns: ["9.9.9.9"],
      },
    });
  });

  test("of the container", () => {
    const options = { shmSizeBytes: 5e6, init: false, logDriver: "local", logOptions: { "max-size": "1m" } };
    expect(given(options).HostConfig).toMatchObject({
      ShmSize: 5e6,
      Init: false,
      LogConfig: { Type: "local", Config: { "max-size": "1m" } },
    });
  });

  const container = { linux: { namespaces: [{ type: "mount" }, { type: "network", path: "container:x" }] } };
  test.each<[JsonObject, JsonObject, string]>([
    [
      { network: "lab" },
      { linux: { namespaces: [{ type: "mount" }] } },
      "options.network lab (the spec has the host's)",
    ],
    [{ network: "lab" }, container, "options.network lab (the spec has container:x)"],
    [{ network: "none", ports: [{ containerPort: 1 }] }, {}, "options.ports (in network none)"],
  ])("%j against the spec is refused", (options, changes, refused) => {
    expect(() => given(options, changes)).toThrow(`a Docker container cannot have ${refused}`);
  });

  test.each<[JsonObject, string]>([
    [{ networkAliases: ["x"] }, "networkAliases take a network"],
    [{ nosuch: 1 }, 'runtime options: Unrecognized key: "nosuch"'],
    [{ ports: [{ containerPort: 0 }] }, "runtime options: ports: 0: containerPort: "],
    [{ expose: ["0/tcp"] }, "runtime options: expose: 0: no port such as 80/tcp"],
    [{ name: "-x" }, "runtime options: name: no name of a Docker container"],
    [{ isolation: "maybe" }, "runtime options: isolation: "],
  ])("%j is an error", (options, message) => {
    expect(() => given(options)).toThrow(
      expect.objectContaining({ kind: "invalid_argument", message: expect.stringContaining(message) }),
    );
  });
});
