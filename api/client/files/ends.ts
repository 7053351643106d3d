// The two ends of a copy: where something comes from, and where it goes. What they are made of (a tree here, a tree of a container,
// an engine) nobody else needs to know.

/** A path in a container; relative ones begin at its root. */
export interface ContainerPath {
  readonly id: string;
  readonly path: string;
}

/** Told of what is not copied, as people read it, and why. */
export type OnLeftOut = (path: string, why: string) => void;

/** A file or folder that is there. */
export interface CopySource extends Disposable {
  readonly isFolder: boolean;
  /** What a copy in some folder is called: a byte string. */
  readonly name: string;
  /** What is in the folder is meant, and not the folder. */
  readonly asContents: boolean;
  /** As an archive, in which it has that name; `.` for a folder whose contents are meant. */
  archive(name: string): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

export type Bytes = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

export interface UnpackRequest {
  /** Owners, modes and attributes stay what the archive says. */
  readonly keepOwners: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onLeftOut?: OnLeftOut | undefined;
  /** Told of the bytes of the archive that have been taken so far. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** A path that something is to have, or a folder that something is to come into. */
export interface CopyTarget extends Disposable {
  readonly state: "folder" | "file" | "missing";
  /** Its last component: a byte string. */
  readonly name: string;
  /** It was written so that only a folder can be meant. */
  readonly asFolder: boolean;
  /** As people read it. */
  readonly text: string;
  /** Unpacks into the folder that it is, or else into the one that it is in. After a failure what was made has gone again. */
  unpack(archive: Bytes, request: UnpackRequest): Promise<void>;
}
