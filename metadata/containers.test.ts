import { containerStoreConformance } from "../test/conformance/container-store.js";
import { temporaryMetadata } from "../test/helpers/metadata.js";

containerStoreConformance("SQLite", async (scope) => (await temporaryMetadata(scope)).containers);
