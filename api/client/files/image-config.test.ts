// Instructions of a Dockerfile, as changes of a config.
import { expect, test } from "vitest";
import { changeConfig, parseConfigChange } from "./image-config.js";

const BEFORE = { Env: ["PATH=/bin", "A=1"], Cmd: ["old"], WorkingDir: "/srv", Labels: { a: "1" }, Healthcheck: {} };

test.each([
  ['CMD ["nginx", "-g", "daemon off;"]', { Cmd: ["nginx", "-g", "daemon off;"] }],
  ["CMD echo hello", { Cmd: ["/bin/sh", "-c", "echo hello"] }],
  ['entrypoint ["/init"]', { Entrypoint: ["/init"], Cmd: null }],
  ['ENV A=2 B=\'x y\' C="q\\"q"', { Env: ["PATH=/bin", "A=2", "B=x y", 'C=q"q'] }],
  ["ENV D some words", { Env: ["PATH=/bin", "A=1", "D=some words"] }],
  ["WORKDIR www", { WorkingDir: "/srv/www" }],
  ["WORKDIR /a/b", { WorkingDir: "/a/b" }],
  ["USER 1000:1000", { User: "1000:1000" }],
  ["LABEL b=2 a=3", { Labels: { a: "3", b: "2" } }],
  ["LABEL __proto__=x", { Labels: JSON.parse('{"a":"1","__proto__":"x"}') }],
  ["EXPOSE 80 53/udp", { ExposedPorts: { "80/tcp": {}, "53/udp": {} } }],
  ['VOLUME ["/data"]', { Volumes: { "/data": {} } }],
  ["STOPSIGNAL SIGQUIT", { StopSignal: "SIGQUIT" }],
])("%s", (text, want) => {
  const changed = changeConfig(BEFORE, [parseConfigChange(text)]);
  expect(JSON.stringify(changed)).toBe(JSON.stringify({ ...BEFORE, ...want }));
});

test.each(["", "RUN true", "CMD", "ENV =x", "EXPOSE http", "USER a b", "constructor x"])("%s is refused", (text) => {
  expect(() => parseConfigChange(text)).toThrow(/: invalid argument$/);
});
