import { leaseStoreConformance } from "../test/conformance/lease-store.js";
import { temporaryMetadata } from "../test/helpers/metadata.js";

leaseStoreConformance("SQLite", async (scope) => (await temporaryMetadata(scope)).leases);
