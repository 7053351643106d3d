// Exports and imports exclude each other by the container's name.
import { expect, test } from "vitest";
import { Transactions } from "./transactions.js";

test("one goes on under a name, until it ends", () => {
  const transactions = new Transactions();
  const first = transactions.begin("penguin");
  expect(first).toBeDefined();
  expect(transactions.begin("penguin")).toBeUndefined();
  expect(transactions.begin("another")).toBeDefined();
  first?.[Symbol.dispose]();
  const second = transactions.begin("penguin");
  expect(second).toBeDefined();
  // Ending the first again is not the second's business.
  first?.[Symbol.dispose]();
  expect(transactions.begin("penguin")).toBeUndefined();
});

test("one is asked to stop, again and again if need be", () => {
  const transactions = new Transactions();
  const transaction = transactions.begin("penguin");
  expect(transaction?.signal.aborted).toBe(false);
  expect([transactions.cancel("penguin"), transactions.cancel("penguin")]).toEqual([true, true]);
  expect(transaction?.signal.aborted).toBe(true);
  transaction?.[Symbol.dispose]();
  expect(transactions.cancel("penguin")).toBe(false);
});
