// berth.v1.Debug: profiles of the daemon's own process, piece by piece.
import type { Debug, ProfileKind } from "../../api/core/debug.js";
import { invalidArgument } from "../../api/core/errors.js";
import { defineService } from "../../api/core/handler.js";
import { DebugService, ProfilePiece, ProfileKind as WireKind } from "../../api/gen/berth/v1/debug.js";

const KINDS: ReadonlyMap<WireKind, ProfileKind> = new Map([
  [WireKind.CPU, "cpu"],
  [WireKind.HEAP, "heap"],
  [WireKind.ALLOCATIONS, "allocations"],
  [WireKind.TRACE, "trace"],
  [WireKind.BLOCK, "block"],
  [WireKind.REPORT, "report"],
]);
/** Of each message, so that none is as long as a profile. */
const PIECE_BYTES = 1024 * 1024;

export const defineDebugService = ({ debug }: { readonly debug: Debug }) =>
  defineService(DebugService, {
    async *profile({ kind, durationMs }, ctx) {
      const known = KINDS.get(kind);
      if (known === undefined) throw invalidArgument(`profiles of kind ${kind} are unknown`);
      for await (const bytes of debug.profile(ctx, known, durationMs === 0 ? {} : { durationMs })) {
        for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
          yield ProfilePiece.fromPartial({ data: Buffer.from(bytes.subarray(at, at + PIECE_BYTES)) });
        }
      }
    },
  });
