// The LXD driver over Debian's LXD: the conformance suite.
import { afterAll, beforeAll } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { driverConformance } from "../conformance/driver.js";
import { type Lxd, startLxd } from "../helpers/lxd.js";
import { lxdSubject } from "../helpers/lxd-subject.js";
import { requires } from "../helpers/requires.js";

const isLacking = requires.root() || requires.binary("lxd");
const scope = new DisposeScope();
let lxd: Lxd;

beforeAll(async () => {
  if (!isLacking) lxd = await startLxd(scope);
}, 120_000);
afterAll(() => scope[Symbol.asyncDispose]());

driverConformance("lxd", () => lxdSubject(lxd), { isLacking });
