// Conversations of Content.Write as a raw client has them, request by request. Each is had with a real containerd and with berthd.
import { createHash } from "node:crypto";
import { WriteAction, type WriteContentRequest } from "../../api/gen/services/content/v1/content.js";

export type Said = Partial<Pick<WriteContentRequest, "ref" | "total" | "expected" | "offset">> & {
  readonly action: number;
  readonly data?: string;
  readonly labels?: Readonly<Record<string, string>>;
};

export interface Conversation {
  readonly name: string;
  /** Of one stream each, one after the other. */
  readonly streams: readonly (readonly Said[])[];
}

const { STAT, WRITE, COMMIT } = WriteAction;
export const digestOfText = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;

/** In the namespace before the first word. */
export const PRESENT = "is here already";
/** In another namespace. */
export const ELSEWHERE = "is in another namespace";

const stat = (more: Omit<Said, "action"> = {}): Said => ({ action: STAT, ref: "r", ...more });
const write = (data: string, offset = 0n): Said => ({ action: WRITE, ref: "r", data, offset });
const commit = (offset: bigint, more: Omit<Said, "action"> = {}): Said => ({ action: COMMIT, offset, ...more });

export const CONVERSATIONS: readonly Conversation[] = [
  { name: "write and commit", streams: [[stat(), write("hello"), commit(5n)]] },
  { name: "data along with the commit", streams: [[commit(0n, { ref: "r", data: "all at once" })]] },
  { name: "nothing but a commit", streams: [[commit(0n, { ref: "r" })]] },
  { name: "no reference", streams: [[{ action: STAT }]] },
  { name: "no message at all", streams: [[]] },
  { name: "a write behind the end", streams: [[write("hello"), write("x", 3n)], [stat()]] },
  { name: "a negative offset appends", streams: [[write("hello"), write("x", -7n), stat()]] },
  { name: "offset 0 begins again", streams: [[write("hello"), write("again"), stat(), commit(5n)]] },
  { name: "a commit with offset 0 takes the data away", streams: [[write("hello"), commit(0n)]] },
  {
    name: "half-closed, then gone on",
    streams: [
      [stat({ total: 10n }), write("hello")],
      [stat({ total: 10n }), write("world", 5n), commit(10n)],
    ],
  },
  {
    name: "another total begins again",
    streams: [
      [stat({ total: 10n }), write("hello")],
      [stat({ total: 7n }), write("another"), commit(7n)],
    ],
  },
  { name: "a total that comes later", streams: [[write("hello"), stat({ total: 6n }), stat(), commit(5n)]] },
  {
    name: "a wrong size, corrected",
    streams: [
      [write("hello"), commit(5n, { total: 4n })],
      [stat(), commit(5n, { total: 5n })],
    ],
  },
  { name: "a wrong digest", streams: [[write("hello"), commit(5n, { expected: digestOfText("other") })], [stat()]] },
  { name: "a malformed digest", streams: [[stat({ expected: "nonsense" }), write("hello"), commit(5n)]] },
  { name: "an action that is none", streams: [[stat(), { action: 9 }, write("hello"), { action: 9 }]] },
  { name: "words behind the commit", streams: [[write("hello"), commit(5n), write("more"), stat()]] },
  { name: "another reference later on", streams: [[stat(), { ...write("hello"), ref: "other" }], [stat()]] },
  { name: "a blob that is here already", streams: [[stat({ expected: digestOfText(PRESENT) })]] },
  {
    name: "one that turns out to be",
    streams: [[write("hello"), stat({ expected: digestOfText(PRESENT) })], [stat()]],
  },
  { name: "the same bytes again", streams: [[write(PRESENT), commit(BigInt(PRESENT.length))], [stat()]] },
  {
    name: "a blob of another namespace",
    streams: [[stat({ expected: digestOfText(ELSEWHERE) }), commit(BigInt(ELSEWHERE.length))]],
  },
  {
    name: "one whose size is known",
    streams: [
      [stat({ expected: digestOfText(ELSEWHERE), total: BigInt(ELSEWHERE.length) }), commit(BigInt(ELSEWHERE.length))],
    ],
  },
  { name: "one of another size", streams: [[stat({ expected: digestOfText(ELSEWHERE), total: 3n })]] },
  {
    name: "one that is not what was expected",
    streams: [
      [stat({ expected: digestOfText(ELSEWHERE) }), commit(BigInt(ELSEWHERE.length), { expected: digestOfText("x") })],
    ],
  },
  {
    name: "one that is gone on from",
    streams: [[stat({ expected: digestOfText(ELSEWHERE) }), write("!", BigInt(ELSEWHERE.length)), stat()]],
  },
  {
    name: "one that is begun again",
    streams: [[stat({ expected: digestOfText(ELSEWHERE) }), commit(0n, { total: BigInt(ELSEWHERE.length) })]],
  },
  { name: "labels", streams: [[write("labelled"), commit(8n, { labels: { a: "1", none: "" } })]] },
  {
    name: "labels that are too large",
    streams: [[write("labelled"), commit(8n, { labels: { k: "v".repeat(5000) } })], [stat()]],
  },
];
