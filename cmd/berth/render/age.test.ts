import { expect, test } from "vitest";
import { renderAge, renderDecimalSize } from "./age.js";

const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000];

test.each([
  [0, "Less than a second"],
  [SECOND, "1 second"],
  [59.9 * SECOND, "59 seconds"],
  [MINUTE, "About a minute"],
  [3 * MINUTE, "3 minutes"],
  [59 * MINUTE, "59 minutes"],
  [HOUR, "About an hour"],
  [89 * MINUTE, "About an hour"],
  [90 * MINUTE, "2 hours"],
  [47 * HOUR, "47 hours"],
  [48 * HOUR, "2 days"],
  [14 * 24 * HOUR, "2 weeks"],
  [60 * 24 * HOUR, "2 months"],
  [730 * 24 * HOUR, "2 years"],
])("%d ms are %s", (ageMs, said) => expect(renderAge(ageMs)).toBe(said));

test.each([
  [0, "0B"],
  [6, "6B"],
  [999, "999B"],
  [1000, "1kB"],
  [1234, "1.234kB"],
  [123_456, "123.5kB"],
  [999_999, "1000kB"],
  [3_200_000, "3.2MB"],
])("%d bytes are %s", (sizeBytes, said) => expect(renderDecimalSize(sizeBytes)).toBe(said));
