import { Command } from "commander";
import { expect, test } from "vitest";
import { addContainerOptions, parseTarget } from "./container-flags.js";
import type { ContainerFlags } from "./container-request.js";
import { isolationOf } from "./isolation-flags.js";

function parse(...args: string[]): ContainerFlags {
  const command = new Command().exitOverride();
  addContainerOptions(command, { cpuShares: 0 });
  return command.option("--cni").parse(args, { from: "user" }).opts<ContainerFlags>();
}

test.each([
  [["--seccomp-profile", "x"], /--seccomp-profile needs --seccomp/],
  [["--uidmap", "0:1:1"], /go together/],
  [["--uidmap", "0:1", "--gidmap", "0:1:1"], /"0:1" is not inside:outside:length/],
  [["--uidmap", "0:4294967296:1", "--gidmap", "0:1:1"], /is not inside:outside:length/],
  [["--apparmor-profile", "a", "--apparmor-default-profile", "b"], /exclude each other/],
  [["--gpus", "first"], /GPU "first" is not a number/],
  [["--cni", "--net-host"], /exclude each other/],
  [["--cni", "--runtime", "io.berth.process.v1"], /--cni: a process of the host/],
  [["--seccomp", "--runtime", "io.berth.docker.v1"], /--seccomp: with runtime io.berth.docker.v1/],
  [["--rdt-class", "gold", "--runtime", "io.berth.lxd.v1"], /--rdt-class: with runtime io.berth.lxd.v1/],
])("%s is refused before anything is made", (flags, why) => {
  const parsed = parse("--runtime", "io.containerd.runc.v2", ...flags);
  expect(() => parseTarget(parsed, ["image", "id", "program"])).toThrow(why);
});

test("what is missing is told by name", async () => {
  await expect(isolationOf(parse("--seccomp", "--seccomp-profile", "/no/such/file"))).rejects.toThrow(
    'cannot load seccomp profile "/no/such/file"',
  );
  await expect(isolationOf(parse("--apparmor-default-profile", "../x"))).rejects.toThrow('AppArmor profile "../x"');
});

test("a user namespace has one range of each kind", async () => {
  expect(await isolationOf(parse("--uidmap", "0:100000:65536", "--gidmap", "0:200000:65536"))).toEqual({
    idMaps: {
      uid: { containerID: 0, hostID: 100000, size: 65536 },
      gid: { containerID: 0, hostID: 200000, size: 65536 },
    },
  });
});
