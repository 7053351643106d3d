// version.v1. Clients read the version as semver and switch features on by it.
import { defineService } from "../../api/core/handler.js";
import { VersionResponse, VersionService } from "../../api/gen/services/version/v1/version.js";

export interface VersionServiceDeps {
  readonly version: string;
  /** Commit it was built from; "" when unknown. */
  readonly revision: string;
}

export const defineVersionService = ({ version, revision }: VersionServiceDeps) =>
  defineService(VersionService, { version: async () => VersionResponse.fromPartial({ version, revision }) });
