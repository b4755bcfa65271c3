import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../client/js/throng/backoff.js";

test("the span doubles up to the cap, and starts anew after a reset", () => {
  const backoff = new Backoff({ baseMs: 100, capMs: 1500, random: () => 0.5 });
  const waits = Array.from({ length: 7 }, () => backoff.next());
  assert.deepEqual(waits, [50, 100, 200, 400, 750, 750, 750]);
  backoff.reset();
  assert.equal(backoff.next(), 50);
});

test("the jitter is full: from zero to the span, above the floor", () => {
  const extremes = [0, 0.999999];
  const [least, most] = extremes.map((draw) => {
    const backoff = new Backoff({ baseMs: 100, random: () => draw });
    return [backoff.next(), backoff.next(5000)];
  });
  assert.deepEqual(least, [0, 5000]);
  assert.ok(most[0] > 99 && most[0] < 100);
  assert.ok(most[1] > 5199 && most[1] < 5200);
});

test("it never exceeds the cap, however many tries failed", () => {
  const backoff = new Backoff({ random: () => 0.999999 });
  for (let i = 0; i < 5000; i++) assert.ok(backoff.next() < 15_000);
});
