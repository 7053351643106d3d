// Which better-sqlite3 this Node takes, and where it is. Up to version 12, which is the last for Node 20, its objects register with
// Node through node::ObjectWrap, and Node 24.19 and later abort the process when they collect one of them while idle
// (WiseLibs/better-sqlite3#1515). Version 13 is built on Node-API, which has no such trouble, comes compiled and needs Node 22.
import { createRequire } from "node:module";
import type Sqlite from "better-sqlite3";

/** The release of Node from which on version 13 serves. */
const NODE_API_SINCE = 22;

const require = createRequire(import.meta.url);

/** Where the library is, for threads that load it themselves. */
export const SQLITE_MODULE: string = findModule();

/** The constructor, once the library has been loaded. */
let loaded: typeof Sqlite | undefined;

/** Opens a connection. The library is loaded by the first call. @throws what better-sqlite3 throws. */
export function openSqlite(path: string, options?: Sqlite.Options): Sqlite.Database {
  // What the package exports is what its types say; `require` has no types.
  loaded ??= require(SQLITE_MODULE) as typeof Sqlite;
  return new loaded(path, options);
}

/** npm leaves the newer one out where Node is older than it wants, or when it was told to bring nothing optional. */
function findModule(): string {
  if (Number.parseInt(process.versions.node, 10) >= NODE_API_SINCE) {
    try {
      return require.resolve("better-sqlite3-napi");
    } catch {
      // The other one works as well, but for what is said above.
    }
  }
  return require.resolve("better-sqlite3");
}
