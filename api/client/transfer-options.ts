// What may be asked of a transfer that the daemon makes, and what it tells meanwhile.
import type { Descriptor } from "../core/descriptor.js";
import type { Platform } from "./distribution/platform.js";
import type { CredentialSource } from "./distribution/registry/authorizer.js";

/** A piece of news; without a name it is a line about the whole. */
export interface TransferNews {
  /** What is happening, in the daemon's words: `downloading`, `complete`, `saved`; or the line. */
  readonly event: string;
  /** Ref of the object, or the image's name; "" for a line. */
  readonly name: string;
  /** Names of what this is a part of. */
  readonly parents: readonly string[];
  /** So far. */
  readonly doneBytes: number;
  /** 0 while unknown. */
  readonly totalBytes: number;
  /** Of the object, where the daemon tells it. */
  readonly descriptor: Descriptor | undefined;
}

/** What every transfer takes. */
export interface TransferOptions {
  /** Hears the daemon's news; a transfer that is done waits up to a second for the last of it. Default: nobody does. */
  readonly onProgress?: (news: TransferNews) => void;
}

/** How the daemon gets at a registry. */
export interface RegistryAccess {
  /** Asked by the daemon, once for a host. Default: nobody is, and Docker's configuration is not read. */
  readonly credentials?: CredentialSource;
  /** Folder of `hosts.toml`, on the daemon's side. */
  readonly hostsDir?: string;
  /** http for every host. Default: false. */
  readonly plainHttp?: boolean;
  /** Sent by the daemon with every request. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What the daemon says of its requests. Default: nothing. */
  readonly http?: HttpLog;
}

/** Lets the daemon tell what it says over the wire. For registries that this process speaks to there is `HttpWatcher`. */
export interface HttpLog {
  /** Heads of requests and answers, lookups of names and connections, or both. */
  readonly of: "heads" | "connections" | "both";
  /** Hears pieces of text; they may end within a line. */
  readonly onText: (text: string) => void;
}

/** Where the daemon unpacks what it fetched. */
export interface UnpackTarget {
  /** "" for the daemon's default. */
  readonly snapshotter: string;
  /** Default: the daemon's own. */
  readonly platform?: Platform;
}

/** Which of an image the daemon fetches, as what it keeps it, and where it unpacks it. */
export interface TransferPullOptions extends TransferOptions, RegistryAccess {
  /** Of the image. Default: the reference. */
  readonly name?: string;
  /** Given to the image. Default: none. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Which of an index; none: all. Default: this machine's. */
  readonly platforms?: readonly Platform[];
  /** Manifests and configs of all platforms. Default: false. */
  readonly allMetadata?: boolean;
  /** Default: nothing is unpacked. */
  readonly unpack?: readonly UnpackTarget[];
}

/** How the daemon gets at the registry, and what of the image it sends. */
export interface TransferPushOptions extends TransferOptions, RegistryAccess {
  /** Which of an index go with their layers; none: all. Default: all. */
  readonly platforms?: readonly Platform[];
}

/** Which images of an archive the daemon takes, as what it keeps them, and where it unpacks them. */
export interface TransferImportOptions extends TransferOptions {
  /** An image for the archive's index. */
  readonly indexName?: string;
  /** What the names of the archive's images get in front. */
  readonly prefix?: string;
  /** Given to each image. Default: none. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Which of an index; none: all. Default: all. */
  readonly platforms?: readonly Platform[];
  /** Default: nothing is unpacked. */
  readonly unpack?: readonly UnpackTarget[];
}

/** What of the images the daemon puts into the archive. */
export interface TransferExportOptions extends TransferOptions {
  /** Which of an index; none: what the daemon's machine can run. Default: none. */
  readonly platforms?: readonly Platform[];
  /** All of an index, whatever `platforms` says; missing content is an error then. Default: false. */
  readonly allPlatforms?: boolean;
}
