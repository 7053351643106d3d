import { expect, test } from "vitest";
import { EndNews, endWordOf } from "./end-news.js";

const LONG_MS = 60_000;

test("a word that was told, one that comes, one that does not", async () => {
  const news = new EndNews();
  const waiting = news.wait(["restarted"], LONG_MS);
  news.tell("shutdown");
  expect(await news.wait(["shutdown", "stopped"], LONG_MS)).toBe("shutdown");
  news.tell("restarted");
  expect(await waiting).toBe("restarted");
  news.clear();
  expect(await news.wait(["shutdown"], 1)).toBeUndefined();
  news.tell("stopped");
  expect(await news.wait(["restarted"], 1)).toBe("stopped");
});

test("events are known by their names", () => {
  expect(endWordOf("instance-stopped")).toBe("stopped");
  expect(endWordOf("instance-exec")).toBeUndefined();
  expect(endWordOf("constructor")).toBeUndefined();
});
