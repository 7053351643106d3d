// The Docker driver over Debian's engine: the conformance suite.
import { afterAll, beforeAll } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { driverConformance } from "../conformance/driver.js";
import { type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { dockerSubject } from "../helpers/docker-subject.js";
import { requires } from "../helpers/requires.js";

const isLacking = requires.containerd() || requires.binary("dockerd");
const scope = new DisposeScope();
let engine: DockerEngine;

beforeAll(async () => {
  if (!isLacking) engine = await startEngine(scope);
});
afterAll(() => scope[Symbol.asyncDispose]());

driverConformance("docker", () => dockerSubject(engine), { isLacking });
