// Our .proto files are our own words for somebody else's wire: every name and number must be theirs.
import { describe, expect, test } from "vitest";
import { findContradictions, findGaps } from "./compare.js";
import { type PackageTable, readOwnTables, readReservedNumbers, readWireTables, type Tables } from "./tables.js";

/** Packages that we have whole. Of others we have what we use. */
const WHOLE = [
  "chromiumos",
  "chromiumos.test.api",
  "chromiumos.test.lab.api",
  "containerd.events",
  "containerd.runc.v1",
  "containerd.services.containers.v1",
  "containerd.services.events.ttrpc.v1",
  "containerd.services.events.v1",
  "containerd.services.introspection.v1",
  "containerd.services.leases.v1",
  "containerd.services.namespaces.v1",
  "containerd.services.tasks.v1",
  "containerd.services.version.v1",
  "containerd.task.v2",
  "containerd.v1.types",
  "google.rpc",
  "grpc.health.v1",
  "grpc.reflection.v1",
  "grpc.reflection.v1alpha",
  "io.containerd.cgroups.v1",
  "io.containerd.cgroups.v2",
  "runtimeoptions.v1",
  "ttrpc",
  "vm_tools.tremplin",
];

/** Packages that are nobody else's. */
const isOurs = (name: string): boolean => name.startsWith("berth.");

const own: Tables = new Map([...readOwnTables()].filter(([name]) => !isOurs(name)));
const wire = readWireTables();

test("nothing of ours contradicts the wire", () => {
  expect(own.size).toBeGreaterThanOrEqual(WHOLE.length);
  expect(findContradictions(own, wire)).toEqual([]);
});

test("every package of ours has a table", () => {
  expect([...own.keys()].filter((name) => !wire.has(name))).toEqual([]);
});

test("packages that we have whole lack nothing", () => {
  expect(findGaps(own, wire, WHOLE)).toEqual([]);
});

test("numbers that templates once had are not given away", () => {
  const templates = ["CrosDutTemplate", "CrosProvisionTemplate", "CrosTestTemplate"];
  const reserved = templates.map((name) => [name, readReservedNumbers(`chromiumos.test.api.${name}`)]);
  expect(reserved).toEqual(templates.map((name) => [name, [1, 2]]));
});

test("the API of May 2017 has every name and number of the wire, and no other", () => {
  const [own2017, wire2017] = [readOwnTables("2017"), readWireTables("2017")];
  const packages = [...wire2017.keys()];
  expect(packages).toHaveLength(3);
  expect(findContradictions(own2017, wire2017)).toEqual([]);
  expect(findGaps(own2017, wire2017, packages)).toEqual([]);
  expect([...own2017.keys()].filter((name) => !wire2017.has(name))).toEqual(["google.protobuf"]);
});

describe("a mistake is found", () => {
  const TASKS = "containerd.services.tasks.v1";
  const TYPES = "containerd.v1.types";

  /** Our tables with one package changed. */
  function planted(name: string, change: (table: PackageTable) => void): Tables {
    const table = structuredClone(own.get(name)) ?? expect.fail(`no package ${name}`);
    change(table);
    return new Map([...own, [name, table]]);
  }

  const field = (table: PackageTable, message: string, name: string) =>
    table.messages[message]?.fields[name] ?? expect.fail(`no field ${message}.${name}`);
  const rpc = (table: PackageTable, service: string, name: string) =>
    table.services[service]?.[name] ?? expect.fail(`no rpc ${service}/${name}`);

  test.each<{ name: string; package: string; change: (table: PackageTable) => void; want: string }>([
    {
      name: "a wrong number",
      package: TASKS,
      change: (table) => {
        field(table, "KillRequest", "signal").n = 9;
      },
      want: `${TASKS}.KillRequest.signal: n is 9, on the wire 3`,
    },
    {
      name: "a wrong type",
      package: TASKS,
      change: (table) => {
        field(table, "KillRequest", "signal").t = "int32";
      },
      want: `${TASKS}.KillRequest.signal: t is int32, on the wire uint32`,
    },
    {
      name: "a wrong label",
      package: TASKS,
      change: (table) => {
        delete field(table, "CreateTaskRequest", "rootfs").label;
      },
      want: `${TASKS}.CreateTaskRequest.rootfs: label is undefined, on the wire repeated`,
    },
    {
      name: "a wrong name",
      package: TASKS,
      change: (table) => {
        const fields = table.messages["KillRequest"]?.fields ?? {};
        fields["killall"] = field(table, "KillRequest", "all");
      },
      want: `${TASKS}.KillRequest.killall does not exist on the wire`,
    },
    {
      name: "a wrong enum value",
      package: TYPES,
      change: (table) => {
        table.enums["Status"] = { ...table.enums["Status"], RUNNING: 7 };
      },
      want: `${TYPES}.Status.RUNNING is 7, on the wire 2`,
    },
    {
      name: "a wrong reply",
      package: TASKS,
      change: (table) => {
        rpc(table, "Tasks", "Kill").out = `${TASKS}.KillResponse`;
      },
      want: `${TASKS}.Tasks/Kill: out is ${TASKS}.KillResponse, on the wire google.protobuf.Empty`,
    },
    {
      name: "a stream that is none",
      package: TASKS,
      change: (table) => {
        rpc(table, "Tasks", "List").server_stream = true;
      },
      want: `${TASKS}.Tasks/List: server_stream is true, on the wire undefined`,
    },
  ])("$name", ({ package: name, change, want }) => {
    expect(findContradictions(planted(name, change), wire)).toEqual([want]);
  });

  test("a missing field of a whole package", () => {
    const tables = planted(TASKS, (table) => {
      delete table.messages["KillRequest"]?.fields["all"];
    });
    expect(findGaps(tables, wire, WHOLE)).toEqual([`${TASKS}.KillRequest.all`]);
  });
});
