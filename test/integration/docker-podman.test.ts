// Podman as the Docker engine: what is asked of an engine besides tasks, and the driver's conformance, as far as Podman goes.
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { execute, inspectContainer, removeContainer, stopContainer } from "../../runtime/docker/containers.js";
import { type Engine, openEngine } from "../../runtime/docker/engine.js";
import { findImage, loadImage, pullImage, tagImage } from "../../runtime/docker/images.js";
import { checkLogin } from "../../runtime/docker/login.js";
import { createNetwork, findNetwork, removeNetwork } from "../../runtime/docker/networks.js";
import { driverConformance } from "../conformance/driver.js";
import { BUSYBOX } from "../helpers/docker-engine.js";
import { dockerSubject } from "../helpers/docker-subject.js";
import { dockerOptions } from "../helpers/docker-world.js";
import { type Podman, startPodman } from "../helpers/podman.js";
import type { TestRegistry } from "../helpers/registry.js";
import { REGISTRY_USER } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";

/** Why Podman answers otherwise than runc's shim. */
const DIFFERENCES = {
  pidAtStart: "nobody has asked for its streams yet, which is when Podman makes the process",
  missingProgramAtStart: "the program is looked for when the process is made",
  unseenPid: "it tells a pid only while the process runs, and is not waited for while it starts one",
  fixedLimits: "version 4 has no such call",
};

const isLacking = requires.root() || requires.binary("podman");
const scope = new DisposeScope();
let podman: Podman;

beforeAll(async () => {
  if (!isLacking) podman = await startPodman(scope);
});
afterAll(() => scope[Symbol.asyncDispose]());

/** The suite's specs mask no paths of /proc, which Podman always does. */
const MORE = { options: dockerOptions({ isolation: "ignore" }) };

driverConformance("docker on Podman", () => dockerSubject(podman, DIFFERENCES, MORE), { isLacking });

describe.skipIf(isLacking)("Podman", () => {
  let engine: Engine;
  let registry: TestRegistry;
  const credentials = { username: REGISTRY_USER.username, password: REGISTRY_USER.secret };

  beforeAll(async () => {
    registry = await podman.startRegistry({ needsPassword: true });
    engine = scope.use(openEngine({ host: podman.host, env: {} }));
  });

  test("finds images, loads and tags them", async () => {
    expect(await findImage(engine, BUSYBOX)).toBe(BUSYBOX);
    expect(await findImage(engine, "berth.test/other:1")).toBeUndefined();
    const archive = join(podman.dir, "saved.tar");
    await podman.must(["save", "-o", archive, BUSYBOX]);
    expect(await loadImage(engine, createReadStream(archive))).toBe(BUSYBOX);
    await tagImage(engine, BUSYBOX, { repository: "berth.test/again", object: "2", tag: "2" });
    expect(await findImage(engine, "berth.test/again:2")).toBe("berth.test/again:2");
  });

  test("logs in, and pulls with a password", async () => {
    const refused = checkLogin(engine, { ...credentials, password: "wrong", registry: registry.host });
    await expect(refused).rejects.toThrow("failed with status: 401 Unauthorized");
    const answer = await checkLogin(engine, { ...credentials, registry: registry.host });
    expect(answer.message).toMatch(/^(Login Succeeded)?$/);
    const name = `${registry.host}/box:1`;
    await podman.must(["tag", BUSYBOX, name]);
    await podman.must(["login", "-u", credentials.username, "--password-stdin", registry.host], {
      input: credentials.password,
    });
    await podman.must(["push", name]);
    await podman.must(["rmi", name]);
    await expect(pullImage(engine, name)).rejects.toThrow(/authentication required|unauthorized/);
    await pullImage(engine, name, { auth: credentials });
    expect(await findImage(engine, name)).toBe(name);
    await expect(pullImage(engine, `${registry.host}/none:1`, { auth: credentials })).rejects.toThrow();
  });

  test("has networks, and tells the ports that lead into a container", async () => {
    const network = await createNetwork(engine, "bt-net", { mtuBytes: 1450 });
    expect(network).toEqual({ name: "bt-net", id: expect.stringMatching(/^[\da-f]{64}$/) });
    expect(await findNetwork(engine, "bt-net")).toEqual(network);
    expect(await findNetwork(engine, "bt-ne")).toBeUndefined();
    expect(await findNetwork(engine, "bridge")).toMatchObject({ name: "bridge" });
    await expect(createNetwork(engine, "bt-net")).rejects.toMatchObject({ kind: "already_exists" });
    const run = ["run", "-d", "--name", "web", "--network", "bt-net", "-p", "80", BUSYBOX, "httpd", "-f", "-p", "80"];
    const id = await podman.must(run);
    const web = await inspectContainer(engine, "web");
    // Docker tells the network's own name here.
    expect(web).toMatchObject({ id, name: "web", hasEnded: false, networkMode: "bridge" });
    expect(web.ports).toMatchObject([{ containerPort: 80, protocol: "tcp", hostIp: "0.0.0.0" }]);
    const page = await podman.inNetwork([
      "busybox",
      "wget",
      "-qO-",
      `http://127.0.0.1:${web.ports[0]?.hostPort}/etc/group`,
    ]);
    expect(page.stdout).toBe("root:x:0:\n");
    expect(await execute(engine, id, ["sh", "-c", "echo told; echo not >&2; exit 3"])).toEqual({
      exitStatus: 3,
      stdout: "told\n",
    });
    await stopContainer(engine, id, { graceSeconds: 0 });
    expect(await inspectContainer(engine, id)).toMatchObject({ hasEnded: true });
    await removeContainer(engine, id);
    await removeNetwork(engine, network.id);
    expect(await findNetwork(engine, "bt-net")).toBeUndefined();
  });
});
