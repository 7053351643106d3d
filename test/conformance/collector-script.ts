// Random clients of a daemon in one namespace: what they do is drawn with a seed, done through stores (near or far) and written
// down in a model, so that what a collector leaves can be compared. Only what must succeed is drawn.
import type { ContainerStore } from "../../api/core/container.js";
import type { ContentStore } from "../../api/core/content.js";
import type { RequestContext } from "../../api/core/context.js";
import type { ImageStore } from "../../api/core/image.js";
import type { LeaseStore } from "../../api/core/lease.js";
import type { Snapshotters } from "../../api/core/snapshot.js";
import { anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import { sha256 } from "../helpers/image.js";
import type { Random } from "../helpers/random.js";
import { FUTURE, type Labels, PAST, type Thing, type World } from "./collector-model.js";
import type { Dialect } from "./dialect.js";

export interface ScriptStores {
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly leases: LeaseStore;
  readonly containers: ContainerStore;
  readonly snapshots: Snapshotters;
}

const EACH = 5;
const SNAPSHOTTER = "native";
const PREFIX = "containerd.io/gc.";
const MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar";

const bytesOf = (name: string): Buffer => Buffer.from(`bytes of ${name}`);
const digestOf = (name: string): string => sha256(bytesOf(name));
const idOf = (name: string): string => name.slice(name.indexOf("/") + 1);

/** As the daemon names it. */
function keyOf(name: string): string {
  return name.startsWith("content/") ? digestOf(name) : idOf(name);
}

function resourceOf(name: string): { type: string; id: string } {
  const kind = name.slice(0, name.indexOf("/"));
  const type =
    { content: "content", snapshot: `snapshots/${SNAPSHOTTER}`, image: "images", ingest: "ingests" }[kind] ?? kind;
  return { type, id: keyOf(name) };
}

/** One namespace with its clients. */
export class CollectorScript {
  readonly world: World = new Map();
  readonly #stores: ScriptStores;
  readonly #ctx: RequestContext;
  readonly #random: Random;
  readonly #dialect: Dialect;

  constructor(stores: ScriptStores, namespace: string, random: Random, dialect: Dialect) {
    this.#stores = stores;
    this.#ctx = { namespace };
    this.#random = random;
    this.#dialect = dialect;
  }

  /** Does one thing more. */
  async step(): Promise<void> {
    const steps = [this.#blob, this.#blob, this.#snapshot, this.#snapshot, this.#image, this.#lease, this.#resource];
    const rare = [this.#container, this.#ingest, this.#remove, this.#remove];
    await this.#random.pick([...steps, ...rare]).call(this);
  }

  /** The names of all that is there. */
  async survivors(): Promise<string[]> {
    const { content, images, leases, containers, snapshots } = this.#stores;
    const found: string[] = [];
    const blobs = new Map(this.#names("content").map((name) => [digestOf(name), name]));
    for await (const page of content.list(this.#ctx))
      for (const { digest } of page) found.push(blobs.get(digest) ?? digest);
    for await (const page of snapshots.get(SNAPSHOTTER).list(this.#ctx))
      for (const { name } of page) found.push(`snapshot/${name}`);
    for (const { name } of await images.list(this.#ctx)) found.push(`image/${name}`);
    for (const { id } of await leases.list(this.#ctx)) found.push(`lease/${id}`);
    for (const { id } of await containers.list(this.#ctx)) found.push(`container/${id}`);
    for (const { ref } of await content.listStatuses(this.#ctx)) found.push(`ingest/${ref}`);
    return found.sort();
  }

  #names(kind: string): string[] {
    const letter = { content: "b", snapshot: "s", image: "i", lease: "l", container: "c", ingest: "r" }[kind] ?? "x";
    return Array.from({ length: EACH }, (_, index) => `${kind}/${letter}${index}`);
  }

  #pick(kind: string): string {
    return this.#random.pick(this.#names(kind));
  }

  #chance(share: number): boolean {
    return this.#random.next() < share;
  }

  /** Labels as the model has them, with names for values, and as the daemon gets them. */
  #labels(mayExpire = true): { readonly model: Labels; readonly sent: Labels } {
    const common = [
      () => [["root", "1"]],
      () => [["ref.content", this.#pick("content")]],
      () => [
        ["ref.content.l.0", this.#pick("content")],
        ["ref.content/x", this.#pick("content")],
      ],
      () => [["ref.contentx", this.#pick("content")]],
      () => [["ref.snapshot.native", this.#pick("snapshot")]],
      () => [["ref.snapshot.native/2", this.#pick("snapshot")]],
      () => (mayExpire ? [["expire", PAST]] : []),
    ];
    const later = [
      () => [["rootx", "1"]],
      () => [["ref.image.x", this.#pick("image")]],
      () => [["bref.content.0", this.#pick("content")]],
      () => [["bref.image", this.#pick("image")]],
      () => [["bref.container", this.#pick("container")]],
      () => [["bref.snapshot.native", this.#pick("snapshot")]],
    ];
    const drawn = this.#dialect === "1.6" ? common : [...common, ...later];
    const pairs: string[][] = [];
    for (let index = this.#random.between(0, 3); index > 0; index -= 1) pairs.push(...this.#random.pick(drawn)());
    const entries = pairs.map(([key = "", value = ""]): [string, string] => [`${PREFIX}${key}`, value]);
    const real = entries.map(([key, value]): [string, string] => [key, value.includes("/") ? keyOf(value) : value]);
    return { model: Object.fromEntries(entries), sent: Object.fromEntries(real) };
  }

  /** A context with or without a lease; what is made in it belongs to that. */
  #leased(name: string): RequestContext {
    const lease = this.#pick("lease");
    const thing = this.world.get(lease);
    if (thing === undefined || this.#chance(0.5)) return this.#ctx;
    thing.resources?.add(name);
    return { ...this.#ctx, leaseId: idOf(lease) };
  }

  async #blob(): Promise<void> {
    const name = this.#pick("content");
    const { model, sent } = this.#labels();
    const known = this.world.get(name);
    if (known !== undefined) {
      known.labels = model;
      await this.#stores.content.update(this.#ctx, { digest: digestOf(name), labels: sent }, ["labels"]);
      return;
    }
    const ctx = this.#leased(name);
    await using writer = await this.#stores.content.openWriter(ctx, { ref: `commit-${name}` });
    await writer.write(bytesOf(name));
    await writer.commit({ labels: sent });
    this.world.set(name, { labels: model, holds: [] });
  }

  async #snapshot(): Promise<void> {
    const name = this.#pick("snapshot");
    const { model, sent } = this.#labels();
    const store = this.#stores.snapshots.get(SNAPSHOTTER);
    const known = this.world.get(name);
    if (known !== undefined) {
      known.labels = model;
      await store.update(this.#ctx, { name: idOf(name), labels: sent }, ["labels"]);
      return;
    }
    const parent = this.#pick("snapshot");
    const holds = this.world.has(parent) ? [parent] : [];
    const ctx = this.#leased(name);
    await store.prepare(ctx, `key-${idOf(name)}`, { parent: idOf(holds[0] ?? "") });
    await store.commit(ctx, idOf(name), `key-${idOf(name)}`, { labels: sent });
    this.world.set(name, { labels: model, holds });
  }

  async #image(): Promise<void> {
    const name = this.#pick("image");
    const content = this.#pick("content");
    // 1.6 knows no images that expire.
    const { model, sent } = this.#labels(this.#dialect !== "1.6");
    const target = { mediaType: MEDIA_TYPE, digest: digestOf(content), sizeBytes: 1, annotations: {} };
    const image = { name: idOf(name), labels: sent, target };
    const isNew = !this.world.has(name);
    this.world.set(name, { labels: model, holds: [content] });
    if (isNew) await this.#stores.images.create(this.#ctx, image);
    else await this.#stores.images.update(this.#ctx, image, ["target", "labels"]);
  }

  async #lease(): Promise<void> {
    const name = this.#pick("lease");
    if (this.world.has(name)) return;
    const labels: Record<string, string> = {};
    if (this.#chance(0.3)) labels[`${PREFIX}flat`] = "1";
    if (this.#chance(0.5)) labels[`${PREFIX}expire`] = this.#random.pick([PAST, FUTURE, "garbage"]);
    await this.#stores.leases.create(this.#ctx, { id: idOf(name), labels });
    this.world.set(name, { labels, holds: [], resources: new Set() });
  }

  async #resource(): Promise<void> {
    const name = this.#pick("lease");
    const resources = this.world.get(name)?.resources;
    if (resources === undefined) return;
    const kinds = ["content", "snapshot", "ingest", ...(this.#dialect === "1.6" ? [] : ["image"])];
    const held = this.#pick(this.#random.pick(kinds));
    if (resources.delete(held)) {
      await this.#stores.leases.deleteResource(this.#ctx, idOf(name), resourceOf(held));
      return;
    }
    resources.add(held);
    await this.#stores.leases.addResource(this.#ctx, idOf(name), resourceOf(held));
  }

  async #container(): Promise<void> {
    const name = this.#pick("container");
    if (this.world.has(name)) return;
    const { model, sent } = this.#labels();
    const snapshot = this.#pick("snapshot");
    const spec = anyOfJson(SPEC_TYPE, {});
    const runtime = { name: "io.containerd.runc.v2" };
    const uses = this.#chance(0.7) ? { snapshotter: SNAPSHOTTER, snapshotKey: idOf(snapshot) } : {};
    await this.#stores.containers.create(this.#ctx, { id: idOf(name), labels: sent, spec, runtime, ...uses });
    this.world.set(name, { labels: model, holds: "snapshotter" in uses ? [snapshot] : [] });
  }

  async #ingest(): Promise<void> {
    const name = this.#pick("ingest");
    const ctx = this.#leased(name);
    await using _writer = await this.#stores.content.openWriter(ctx, { ref: idOf(name) });
    const thing: Thing = this.world.get(name) ?? { labels: {}, holds: [] };
    if (ctx.leaseId === undefined) thing.isOwn = true;
    this.world.set(name, thing);
  }

  async #remove(): Promise<void> {
    const { content, images, leases, containers, snapshots } = this.#stores;
    const names = [...this.world.keys()];
    if (names.length === 0) return;
    const name = this.#random.pick(names);
    const kind = name.slice(0, name.indexOf("/"));
    const hasChild =
      kind === "snapshot" &&
      names.some((other) => other.startsWith("snapshot/") && this.world.get(other)?.holds.includes(name));
    if (hasChild) return;
    this.world.delete(name);
    if (kind === "content") await content.delete(this.#ctx, digestOf(name));
    if (kind === "snapshot") await snapshots.get(SNAPSHOTTER).remove(this.#ctx, idOf(name));
    if (kind === "image") await images.delete(this.#ctx, idOf(name));
    if (kind === "lease") await leases.delete(this.#ctx, idOf(name));
    if (kind === "container") await containers.delete(this.#ctx, idOf(name));
    if (kind === "ingest") await content.abort(this.#ctx, idOf(name));
  }
}
