// LoginRegistry of the cros-tool-runner service: a real engine, a real registry with passwords, and a program in the place of
// Google's, which nobody can log in with here.
import { appendFile, chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import type { Logger } from "../../api/core/log.js";
import { failureOf, startRunner, type TestRunner } from "../helpers/cros-tool-runner.js";
import { BUSYBOX, type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { REGISTRY_USER, type TestRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";

const MINUTE_NS = 60_000_000_000n;
const TOKEN = "$(gcloud auth print-access-token)";

/** Notes how it was called; knows one account, and prints the password of the registry as its token. */
const GCLOUD = `#!/bin/sh
echo "begin $*" >> "$0.calls"
case "$2" in
  print-access-token) echo "${REGISTRY_USER.secret}" ;;
  activate-service-account)
    if [ "$3" = --key-file=/right.json ]; then echo "out of it"; echo "Activated service account" >&2; exit 0; fi
    echo "ERROR: no such key" >&2; exit 1 ;;
esac
echo "end $*" >> "$0.calls"
`;

describe.skipIf(requires.containerd() || requires.binary("dockerd") || requires.binary("docker-registry"))(
  "a login",
  () => {
    const scope = new DisposeScope();
    const logged: string[] = [];
    let engine: DockerEngine;
    let registry: TestRegistry;
    let gcloud: string;
    let runner: TestRunner;
    let nowNs = 0n;

    beforeAll(async () => {
      engine = await startEngine(scope);
      registry = await engine.startRegistry({ needsPassword: true });
      gcloud = join(engine.dir, "gcloud");
      await writeFile(gcloud, GCLOUD);
      await chmod(gcloud, 0o755);
      const options = { program: gcloud, lockPath: join(engine.dir, "gcloud.lock") };
      runner = scope.use(await startRunner(engine, { clock: () => nowNs, log: noting(logged), gcloud: options }));
    });
    afterAll(() => scope[Symbol.asyncDispose]());
    beforeEach(() => writeFile(`${gcloud}.calls`, ""));

    const calls = async (): Promise<string[]> => (await readFile(`${gcloud}.calls`, "utf8")).split("\n").slice(0, -1);
    const keeper = (password: string, more: { username?: string; extensions?: object } = {}) => ({
      ...{ username: REGISTRY_USER.username, password, registry: registry.host },
      ...more,
    });

    test("with the right password succeeds in docker's words", async () => {
      expect(await runner.login(keeper(REGISTRY_USER.secret))).toMatchObject({
        message: "Login Succeeded",
        extensionsOutput: [],
      });
      expect(await calls()).toEqual([]);
    });

    test("with the wrong one is refused, and no word of it is in message or log", async () => {
      const failure = await failureOf(runner.login(keeper("wr0ng-secret")));
      expect(failure.code).toBe("PERMISSION_DENIED");
      expect(failure.message).toMatch(/^Error response from daemon: .*401/);
      expect(failure.message + logged.join("\n")).not.toContain("wr0ng-secret");
    });

    test("at a registry that is not there is a failure like any other", async () => {
      const failure = await failureOf(runner.login({ ...keeper("x"), registry: "127.0.0.1:1" }));
      expect(failure).toMatchObject({ code: "UNKNOWN", message: expect.stringContaining("connection refused") });
    });

    test.each(["username", "password", "registry"] as const)("without %s is refused", async (field) => {
      expect(await failureOf(runner.login({ ...keeper("x"), [field]: "" }))).toMatchObject({
        code: "INVALID_ARGUMENT",
        message: `Missing ${field}`,
      });
    });

    test("takes gcloud's token for the text that asks a shell for it", async () => {
      expect(await runner.login(keeper(TOKEN))).toMatchObject({ message: "Login Succeeded" });
      expect(await calls()).toEqual(["begin auth print-access-token", "end auth print-access-token"]);
    });

    test("gives no shell anything else", async () => {
      const trace = join(engine.dir, "trace");
      const password = `$(touch ${trace})`;
      expect((await failureOf(runner.login(keeper(password)))).code).toBe("PERMISSION_DENIED");
      const extensions = { gcloudAuthServiceAccountArgs: [`; touch ${trace}`, `$(touch ${trace})`] };
      await runner.login(keeper(REGISTRY_USER.secret, { extensions }));
      expect(await calls()).toContain(`begin auth activate-service-account ; touch ${trace} $(touch ${trace})`);
      await expect(readFile(trace)).rejects.toMatchObject({ code: "ENOENT" });
    });

    test("as _json_key takes the contents of the file that the password names", async () => {
      const passwords = join(registry.dir, "htpasswd");
      const [, hash] = /^keeper:(.*)$/m.exec(await readFile(passwords, "utf8")) ?? [];
      await appendFile(passwords, `_json_key:${hash}\n`);
      const key = join(engine.dir, "key.json");
      await writeFile(key, REGISTRY_USER.secret);
      expect(await runner.login(keeper(key, { username: "_json_key" }))).toMatchObject({ message: "Login Succeeded" });
      const failure = await failureOf(runner.login(keeper('{"private_key":"s3cret"}', { username: "_json_key" })));
      expect(failure).toMatchObject({ code: "UNKNOWN", message: expect.stringContaining("ENOENT") });
      expect(failure.message + logged.join("\n")).not.toContain("s3cret");
    });

    test("activates an account first, and a failure of that is only told", async () => {
      const activate = (keyFile: string) =>
        runner.login(
          keeper(REGISTRY_USER.secret, { extensions: { gcloudAuthServiceAccountArgs: [`--key-file=${keyFile}`] } }),
        );
      expect(await activate("/right.json")).toMatchObject({
        message: "Login Succeeded",
        extensionsOutput: ["out of it", "Activated service account"],
      });
      expect(await activate("/wrong.json")).toMatchObject({
        message: "Login Succeeded",
        extensionsOutput: ["", "ERROR: no such key"],
      });
    });

    test("runs gcloud one at a time", async () => {
      await Promise.all(Array.from({ length: 4 }, () => runner.login(keeper(TOKEN))));
      const begunAndEnded = await calls();
      expect(begunAndEnded).toHaveLength(8);
      for (const [index, line] of begunAndEnded.entries()) {
        expect(line).toMatch(index % 2 === 0 ? /^begin/ : /^end/);
      }
    });

    test("goes with a pull, of which nothing secret is logged either", async () => {
      await runner.login(keeper(REGISTRY_USER.secret));
      // Only here, so the registry refuses the pull.
      const image = `${registry.host}/only-here:1`;
      await engine.must(["tag", BUSYBOX, image]);
      await runner.start({ name: "local", containerImage: image, startCommand: ["true"] });
      const log = logged.join("\n");
      expect(log).toContain("cannot pull the image; the one that is here is taken");
      expect(log).not.toContain(REGISTRY_USER.secret);
      expect(log).not.toMatch(/x-registry-auth|authconfig/i);
    });

    test("is repeated before a start when it is 50 minutes old", async () => {
      const start = () =>
        runner.start({ name: "renewing", containerImage: BUSYBOX, startCommand: ["true"] }).catch(() => undefined);
      await runner.login(keeper(TOKEN));
      nowNs += 50n * MINUTE_NS - 1n;
      await start();
      expect(await calls()).toHaveLength(2);
      nowNs += 1n;
      await Promise.all([start(), start()]);
      expect(await calls()).toHaveLength(4);
      await start();
      expect(await calls()).toHaveLength(4);
    });
  },
);

/** A log that keeps what it is told. */
function noting(lines: string[]): Logger {
  const note = (fields: object, message: string): void => {
    lines.push(`${message} ${inspect(fields, { depth: null, showHidden: true })}`);
  };
  return { debug: note, info: note, warn: note, error: note, child: () => noting(lines) };
}
