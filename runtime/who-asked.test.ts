import { expect, test } from "vitest";
import { exitRequest, nameOf } from "./who-asked.js";

test.each([
  ["/usr/bin/sleep 100", "sleep"],
  ["/usr/bin/node --enable-source-maps /usr/bin/berth -n web stop --time 5s a", "berth stop"],
  ["node /opt/berth/bin/berth.mjs --address=/x tasks --help kill secret", "berth tasks kill"],
  ["ctr -a /run/x.sock -n default t kill -s SIGKILL web", "ctr t kill"],
  ["python3 -u /srv/tools/reaper.py --token secret", "reaper.py"],
  ["/bin/sh -c kill", "kill"],
  ["/usr/bin/dockerd --host unix://", "dockerd"],
  ["node", "node"],
  ["node --import file:///x/loader.mjs /src/cmd/berth/main.ts -n web stop a", "berth stop"],
  ["node /srv/supervisor/dist/index.js", "supervisor"],
])("%s is called %s", (line, name) => {
  expect(nameOf(line.split(" "))).toBe(name);
});

test("a caller of another process is named by the kernel, one of ours by its program", () => {
  const peer = { pid: process.ppid, uid: 1000, gid: 100 };
  expect(exitRequest(peer, 15, 1n)).toMatchObject({ ...peer, signal: 15, timeNs: 1n, by: expect.stringMatching(/./) });
  expect(exitRequest({ ...peer, pid: process.pid }, 9, 1n)).toMatchObject({ pid: 0, by: expect.stringMatching(/./) });
  expect(exitRequest({ ...peer, pid: 2 ** 22 + 1 }, 9, 1n)).toMatchObject({ by: "" });
});

test.each([0, 17, 18, 19, 28])("signal %d asks for no end", (signal) => {
  expect(exitRequest(undefined, signal, 1n)).toBeUndefined();
});
