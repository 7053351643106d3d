// grpc.health.v1: the daemon as a whole serves while it answers; the state of single services is not kept, as in containerd.
import { setTimeout as delay } from "node:timers/promises";
import { ContainerdError } from "../../api/core/errors.js";
import { defineService } from "../../api/core/handler.js";
import {
  HealthCheckResponse,
  HealthListResponse,
  HealthService,
  HealthCheckResponse_ServingStatus as Status,
} from "../../api/gen/grpc/health/v1/health.js";

const SERVING = HealthCheckResponse.fromPartial({ status: Status.SERVING });
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const defineHealthService = () =>
  defineService(HealthService, {
    check: async ({ service }) => {
      if (service !== "") throw new ContainerdError("not_found", "unknown service");
      return SERVING;
    },

    list: async () => HealthListResponse.fromPartial({ statuses: new Map([["", SERVING]]) }),

    async *watch({ service }, { signal }) {
      yield service === "" ? SERVING : HealthCheckResponse.fromPartial({ status: Status.SERVICE_UNKNOWN });
      // Nothing changes any more until the caller or the daemon goes away.
      for (;;) await delay(LONGEST_TIMER_MS, undefined, { signal, ref: false });
    },
  });
