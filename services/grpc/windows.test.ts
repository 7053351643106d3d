// What a client is told that it may send, by a server as we set it up.
import { once } from "node:events";
import { connect } from "node:http2";
import { createConnection } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { silentLogger } from "../../api/core/log.js";
import { tempDir } from "../../test/helpers/temp.js";
import { serveGrpc } from "./server.js";
import { WINDOW_BYTES } from "./windows.js";

test("a client may have megabytes under way, on a stream and on the connection", async () => {
  await using scope = new DisposeScope();
  const path = join(await tempDir(scope), "s.sock");
  scope.use(await serveGrpc({ path, services: [], log: silentLogger }));
  const session = connect("http://localhost", { createConnection: () => createConnection(path) });
  scope.defer(() => session.destroy());
  const [settings] = await once(session, "remoteSettings");
  expect(settings.initialWindowSize).toBe(WINDOW_BYTES);
  // The connection's own window comes in a frame behind the settings; an answered ping says that it has come.
  await new Promise<void>((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve())));
  expect(session.state.remoteWindowSize).toBeGreaterThanOrEqual(WINDOW_BYTES);
});
