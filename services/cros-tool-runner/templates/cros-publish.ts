// The services that upload results, one for each place they go to.
import {
  type CrosPublishTemplate,
  CrosPublishTemplate_PublishType as PublishType,
  crosPublishTemplate_PublishTypeToJSON as publishTypeName,
} from "../../../api/gen/chromiumos/test/api/cros_tool_runner_container_service_templates.js";
import { serviceError } from "../errors.js";
import { artifactDir, folder, servicePort, startRequest } from "./start-request.js";
import type { Expand } from "./template.js";
import { testResults } from "./test-results.js";

interface Publisher {
  readonly program: string;
  readonly port: number;
  /** Where it finds the folder of artifacts. */
  readonly artifacts: string;
  /** Where it finds the source folder; without it, it reads the results of tests. */
  readonly source?: string;
}

const PUBLISHERS: ReadonlyMap<PublishType, Publisher> = new Map([
  [
    PublishType.PUBLISH_GCS,
    {
      program: "gcs-publish",
      port: 43147,
      artifacts: "/tmp/gcs-publish/",
      source: "/tmp/gcs-publish-test-artifacts/",
    },
  ],
  [
    PublishType.PUBLISH_TKO,
    {
      program: "tko-publish",
      port: 43148,
      artifacts: "/tmp/tko-publish/",
      source: "/tmp/tko-publish-test-artifacts/",
    },
  ],
  [PublishType.PUBLISH_RDB, { program: "rdb-publish", port: 43149, artifacts: "/tmp/rdb-publish/" }],
  [
    PublishType.PUBLISH_CPCON,
    {
      program: "cpcon-publish",
      port: 43146,
      artifacts: "/tmp/cpcon-publish",
      source: "/tmp/cpcon-publish-test-artifacts/",
    },
  ],
]);

export const expandCrosPublish: Expand<CrosPublishTemplate> = async (request, { publishType, publishSrcDir }) => {
  const publisher = PUBLISHERS.get(publishType);
  if (publisher === undefined) {
    throw serviceError("not_implemented", `${publishTypeName(publishType)} to be implemented`);
  }
  const volumes = [`${artifactDir(request)}:${publisher.artifacts}`];
  const source = folder("publish_src_dir", publishSrcDir);
  volumes.push(...(publisher.source === undefined ? await testResults(source) : [`${source}:${publisher.source}`]));
  const { port, expose } = servicePort(request, publisher.port);
  return startRequest(request, { volumes, expose, command: [publisher.program, "server", "-port", port] });
};
