// `client.run` on every kind of daemon of ours, with processes of the host.
import { runConformance } from "../conformance/run/run.js";
import { berthd, embedded, hostProcesses } from "../helpers/run-subjects.js";

runConformance("host processes, embedded", hostProcesses(embedded));
runConformance("host processes, berthd", hostProcesses(berthd));
