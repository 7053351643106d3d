// The whole schema, drawn. The statements that make it are the migrations, in order; whoever changes a table adds a migration
// and redraws it here. All tables are STRICT, readable by any SQL tool (open a copy: `sqlite3 file ".backup copy.db"`).
//
//   meta                      one row
//   ├─ store_id               UUID made with the file: positions of the ledger compare only within one store
//   └─ revision               number of the last commit that changed something
//
//   namespaces                key: name. Made by the first write of anything in it; stays when that is gone again
//   ├─ held_containers        1 once a container was ever made in it: two refusals are worded differently then
//   ├─ revision               commit that last changed the row or its labels
//   ├─ namespace_labels       key: namespace, key          value is never empty (in no table of labels)
//   │
//   ├─ containers             key: namespace, id           index: namespace, image, id; where there is one, snapshot
//   │  ├─ image, runtime_name, snapshotter, snapshot_key, sandbox     what queries and people read
//   │  ├─ created_*, updated_*                                        seconds since 1970 and nanos
//   │  ├─ revision                                                    commit that last changed it
//   │  ├─ record              the encoded containerd.services.containers.v1.Container, sent as it is; spec, runtime
//   │  │                      options and extensions are in it byte for byte. Last column: scans do not read it
//   │  └─ container_labels    key: namespace, id, key      index: namespace, key, value, id
//   │                         what filters look at; the same labels are in the record
//   │
//   ├─ leases                 key: namespace, id; goes with its namespace
//   │  ├─ created_*, revision
//   │  ├─ lease_labels        key: namespace, lease, key
//   │  └─ lease_resources     key: namespace, lease, type, id. No reference to what it names: that may not exist yet
//   │
//   ├─ images                 key: namespace, name         index: namespace, target_digest, name
//   │  ├─ target_*, created_*, updated_*, revision
//   │  ├─ record              the encoded containerd.services.images.v1.Image, sent as it is
//   │  └─ image_labels        key: namespace, name, key
//   │
//   ├─ content                key: namespace, digest       index: digest. That a namespace knows a blob; bytes are shared by all
//   │  ├─ size, created_*, updated_*, revision
//   │  └─ content_labels      key: namespace, digest, key
//   ├─ ingests                key: namespace, ref; goes with its namespace. An unfinished write of content
//   │  ├─ seq                 makes the backend's ref: <namespace>/<seq>/<ref>
//   │  ├─ expected            digest of a blob of another namespace that this ingest stands for; "" for an ordinary one
//   │  └─ expire_*            when the collector may take it; NULL when a lease alone holds it
//   │
//   └─ snapshots              key: namespace, snapshotter, name     index: parent; snapshotter, id
//      ├─ id                  number of the folders in the backend, from counters: never used twice
//      ├─ seq                 number that error texts show, as containerd's do: <namespace>/<seq>/<name>
//      ├─ parent              name of a committed one of the same namespace and snapshotter; "" for none
//      ├─ kind, size, inodes  usage counts for committed ones
//      ├─ created_*, updated_*, revision
//      └─ snapshot_labels     key: namespace, snapshotter, name, key
//
//   counters                  key: name; last number given out
//
//   events                    key: seq, AUTOINCREMENT: never used twice and, since undone transactions give theirs back,
//   │                         without holes except at the front, where old events are trimmed
//   ├─ namespace, topic, time_seconds, time_nanos         as in the envelope; for people
//   ├─ written_seconds        when the row was written: retention goes by it, not by what a client claims
//   ├─ revision               commit that wrote it, which is the commit of the change it reports
//   └─ envelope               the encoded containerd.types.Envelope, sent as it is
//
//   told_processes            key: namespace, container, id, pid          id is the exec's, for init the container's
//   ├─ told                   bits: create 1, start 2, start of an exec 4, exit 8, delete 16
//   └─ closed_seconds         since when there is nothing more to tell; NULL before. Such a row is kept for a minute, since
//                             a shim may tell something again
//
//   attempts                  key: namespace, container, exec ("" for the task itself). The newest task of each container name, as
//   │                         long as its end is remembered, and the execs that run
//   ├─ attempt                which task of that name it is, counted from 1
//   ├─ image, runtime         of the container's record when the task was made
//   ├─ started_*              NULL before
//   ├─ out_of_memory          1 once the kernel has killed something of it
//   └─ request_*              who asked for its end last; NULL when nobody did
//
//   exits                     key: seq, in the order in which ends were told; index: namespace, container, seq
//   ├─ container, exec, attempt, pid, image, runtime, started_*, out_of_memory, request_*
//   ├─ exited_*               as the runtime tells it; retention goes by written_seconds
//   ├─ exit_status, signal    NULL when not known
//   ├─ message                what the runtime said
//   └─ last_lines             each with its line feed; NULL before they were looked for
//
// Nothing refers to images, snapshots or content by foreign key: such references may dangle by design.

/** The tables in the order in which the migrations make them. */
export const TABLES = [
  "meta",
  "namespaces",
  "namespace_labels",
  "containers",
  "container_labels",
  "leases",
  "lease_labels",
  "lease_resources",
  "events",
  "told_processes",
  "images",
  "image_labels",
  "content",
  "content_labels",
  "ingests",
  "snapshots",
  "snapshot_labels",
  "counters",
  "attempts",
  "exits",
] as const;
