// berth.v1.Doctor: what does not fit together, told as it is found.
import type { Doctor } from "../../api/core/doctor.js";
import { defineService } from "../../api/core/handler.js";
import { DoctorService, Finding } from "../../api/gen/berth/v1/doctor.js";

export const defineDoctorService = ({ doctor }: { readonly doctor: Doctor }) =>
  defineService(DoctorService, {
    async *check({ repair }, ctx) {
      for await (const finding of doctor.check(ctx, { repair })) yield Finding.fromPartial(finding);
    },
  });
