import { namespaceStoreConformance } from "../test/conformance/namespace-store.js";
import { temporaryMetadata } from "../test/helpers/metadata.js";

namespaceStoreConformance("SQLite", temporaryMetadata);
