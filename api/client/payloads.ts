// Messages that travel inside an Any, for those who look into replies or make options: runc's, other runtimes', metrics.
export { Metrics as CgroupV1Metrics } from "../gen/cgroups/v1/metrics.js";
export { Metrics as CgroupV2Metrics } from "../gen/cgroups/v2/metrics.js";
export {
  CheckpointOptions as RuncCheckpointOptions,
  Options as RuncOptions,
  ProcessDetails as RuncProcessDetails,
} from "../gen/types/runc/options/oci.js";
export { Options as RuntimeOptions } from "../gen/types/runtimeoptions/v1/api.js";
