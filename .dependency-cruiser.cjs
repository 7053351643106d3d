// Which room may import which, as forbidden arrows. docs/architecture.md explains the rooms; an error here fails CI.
// npm packages count as paths below node_modules, Node's own modules as "node:…" (or their bare name).

/** Everything of ours, by its top folder. */
const OURS = "^(api|metadata|runtime|services|cmd|test|scripts|examples)/";
const NPM = (...names) => `(^|/)node_modules/(${names.join("|")})(/|$)`;

/** What the client may take of npm: the wire, the registry's HTTP, archives, configuration files. */
const CLIENT_PACKAGES = [
  "@bufbuild",
  "@grpc",
  "@types",
  "fzstd",
  "smol-toml",
  "tar-stream",
  "undici",
  "zod",
  "zstd-napi",
];

/** `from` may import of ours just what `to` allows; its own folder is always allowed. */
const only = (name, from, ...to) => ({
  name,
  severity: "error",
  comment: `${from} may import of ours only: ${to.join(", ") || "nothing"}`,
  from: { path: from, pathNot: "\\.test\\.ts$" },
  to: { path: OURS, pathNot: [from, ...to] },
});
/** `from` never imports `to`, whatever it is. */
const never = (name, from, ...to) => ({
  name,
  severity: "error",
  from: { path: from, pathNot: "\\.test\\.ts$" },
  to: { path: to },
});

module.exports = {
  forbidden: [
    only("gen-imports-nothing", "^api/gen/"),
    only("core-imports-gen", "^api/core/", "^api/gen/"),
    never(
      "core-does-no-io",
      "^api/core/",
      NPM("@grpc", "better-sqlite3", "koffi"),
      "^(node:)?(fs|fs/promises|child_process|net)$",
    ),
    only("client-imports-api-and-sys", "^api/client/", "^api/gen/", "^api/core/", "^runtime/sys/"),
    never("client-has-no-database", "^api/client/", NPM("better-sqlite3", "koffi")),
    never("client-takes-few-packages", "^api/client/", `(^|/)node_modules/(?!(${CLIENT_PACKAGES.join("|")})/)`),
    only("metadata-imports-api-and-sys", "^metadata/", "^api/core/", "^api/gen/", "^runtime/sys/"),
    never("metadata-knows-no-wire", "^metadata/", NPM("@grpc")),
    only("sys-is-a-leaf", "^runtime/sys/"),
    never("sys-takes-only-koffi", "^runtime/sys/", "(^|/)node_modules/(?!koffi/|@types/)"),
    never("koffi-only-in-sys", "^(api|metadata|services|cmd|runtime/(?!sys/))", NPM("koffi")),
    only("runtime-imports-api", "^runtime/", "^api/core/", "^api/gen/"),
    never("runtime-knows-no-wire-or-database", "^runtime/", NPM("@grpc", "better-sqlite3")),
    only("docker-knows-no-daemon", "^runtime/docker/", "^api/(core|gen)/", "^runtime/(sys|bridge)/"),
    only("lxd-knows-no-daemon", "^runtime/lxd/", "^api/(core|gen)/", "^runtime/(sys|bridge)/"),
    {
      name: "dockerode-only-in-docker",
      severity: "error",
      comment: "everybody else goes through runtime/docker/engine.ts, and takes types from container-body.ts",
      from: { path: "^(api|metadata|services|cmd|runtime/(?!docker/))", pathNot: "\\.test\\.ts$" },
      to: { path: NPM("dockerode", "docker-modem") },
    },
    only(
      "docker-driver-knows-the-plug",
      "^runtime/drivers/docker/",
      "^api/(core|gen)/",
      "^runtime/(docker|engine-driver|sys)/",
      "^runtime/(driver|bundle|keyed-mutex|task-events|json-options)\\.ts$",
    ),
    only(
      "lxd-driver-knows-the-plug",
      "^runtime/drivers/lxd/",
      "^api/(core|gen)/",
      "^runtime/(lxd|engine-driver|sys)/",
      "^runtime/(driver|bundle|keyed-mutex|json-options|host-processes)\\.ts$",
    ),
    only(
      "engine-drivers-share-what-is-small",
      "^runtime/engine-driver/",
      "^api/(core|gen)/",
      "^runtime/sys/",
      "^runtime/bundle\\.ts$",
    ),
    {
      name: "drivers-are-strangers",
      severity: "error",
      comment: "a driver never imports another driver",
      from: { path: "^runtime/drivers/([^/]+)/", pathNot: "\\.test\\.ts$" },
      to: { path: "^runtime/drivers/([^/]+)/", pathNot: "^runtime/drivers/$1/" },
    },
    only("services-import-api-metadata-runtime", "^services/", "^api/", "^metadata/", "^runtime/"),
    {
      name: "services-are-strangers",
      severity: "error",
      comment: "a service shares with another through a store or the ledger; grpc/ and ttrpc/ are the adapters",
      from: { path: "^services/([^/]+)/", pathNot: "\\.test\\.ts$" },
      to: { path: "^services/([^/]+)/", pathNot: ["^services/$1/", "^services/(grpc|ttrpc)/"] },
    },
    only("containerd-2017-adapts", "^services/containerd-2017/", "^api/(core|gen)/", "^services/maps\\.ts$"),
    never(
      "messages-of-2017-stay-with-their-service",
      "^(api/(core|client)|metadata|runtime|cmd|services/(?!containerd-2017/))",
      "^api/gen/v2017/",
    ),
    only(
      "cli-is-a-stranger-to-the-daemon",
      "^cmd/berth/",
      "^api/client/",
      "^api/core/",
      "^runtime/sys/",
      // A shim is no part of the daemon: `berth shim` speaks to it as any client can.
      "^runtime/ttrpc/",
      "^runtime/drivers/shim/(saved-shim|socket)\\.ts$",
      "^cmd/shared/",
    ),
    only(
      "daemon-program-is-thin",
      "^cmd/berthd/",
      "^services/daemon\\.ts$",
      "^api/client/",
      "^api/core/",
      "^cmd/shared/",
    ),
    only(
      "runner-program-is-thin",
      "^cmd/cros-tool-runner/",
      "^services/cros-tool-runner-server\\.ts$",
      "^api/client/",
      "^api/core/",
      "^cmd/shared/",
    ),
    only(
      "tremplin-program-is-thin",
      "^cmd/tremplin/",
      "^services/tremplin-(listener-)?server\\.ts$",
      "^api/client/",
      "^api/core/",
      "^cmd/shared/",
    ),
    only("programs-share-what-is-small", "^cmd/shared/", "^api/core/", "^api/client/textproto/"),
    only(
      "shim-serves-host-processes",
      "^cmd/shim-process/",
      "^api/(core|gen)/",
      "^runtime/(process|ttrpc|sys|detached)/",
    ),
    never("shim-knows-no-grpc", "^cmd/shim-process/", NPM("@grpc")),
    only(
      "host-processes-know-no-daemon",
      "^runtime/process/",
      "^api/(core|gen)/",
      "^runtime/(stdio|sys)/",
      "^runtime/(json-options|keyed-mutex|task-events)\\.ts$",
    ),
    only("stdio-knows-no-process", "^runtime/stdio/", "^api/core/", "^runtime/sys/"),
    only("detached-programs-know-no-daemon", "^runtime/detached/", "^api/core/", "^runtime/sys/"),
    only(
      "docker-bridge-is-small",
      "^cmd/docker-bridge/",
      "^api/core/",
      "^runtime/(bridge|docker/bridge|detached|sys)/",
    ),
    only("lxd-bridge-is-small", "^cmd/lxd-bridge/", "^api/core/", "^runtime/(bridge|lxd|detached|sys)/"),
    only("logs-know-no-daemon", "^runtime/logs/", "^api/core/", "^runtime/(bridge|stdio|sys)/"),
    only("log-writer-is-small", "^cmd/log-writer/", "^api/core/", "^runtime/(bridge|logs)/"),
    never("log-writer-starts-fast", "^(cmd/log-writer|runtime/logs)/", NPM("@grpc")),
    never("bridges-start-fast", "^(cmd/lxd-bridge|runtime/(bridge|lxd))/", NPM("dockerode", "@grpc")),
    never("docker-bridge-starts-fast", "^(cmd/docker-bridge|runtime/docker/bridge)/", NPM("dockerode", "@grpc")),
    {
      name: "tests-are-imported-by-tests",
      severity: "error",
      from: { path: "^(api|metadata|runtime|services|cmd|scripts)/", pathNot: "\\.test\\.ts$" },
      to: { path: "^test/|\\.test\\.ts$" },
    },
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    { name: "resolves", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "declared-in-package-json",
      severity: "error",
      from: { path: "^(api|metadata|runtime|services|cmd)/", pathNot: "\\.test\\.ts$" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^dist/" },
    parser: "swc",
    tsPreCompilationDeps: true,
    detectProcessBuiltinModuleCalls: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".mjs", ".js", ".cjs", ".json"],
    },
  },
};
