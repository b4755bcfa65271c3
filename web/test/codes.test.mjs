import assert from "node:assert/strict";
import { test } from "node:test";
import { closeRule, retryAfterMs } from "../client/js/codes.js";

test("close codes: who comes back", () => {
  for (const code of [1000, 1001, 1006, 1009, 1011, 1012, 4000, 4001, 4008, 4029, 4053, 4499]) {
    assert.equal(closeRule(code).again, true, String(code));
  }
  for (const code of [4500, 4501, 4503, 4509, 4510, 4999]) {
    assert.equal(closeRule(code).again, false, String(code));
  }
});

test("close codes: who takes a breath first", () => {
  assert.equal(closeRule(1001).floorMs, 0);
  assert.equal(closeRule(4001).floorMs, 1000);
  assert.ok(closeRule(4029).floorMs > closeRule(4001).floorMs);
  assert.ok(closeRule(4053).floorMs > closeRule(4001).floorMs);
});

test("Retry-After", () => {
  const cases = [
    [null, 0],
    ["", 0],
    ["7", 7000],
    ["0", 0],
    ["-3", 0],
    ["Fri, 31 Dec 1999 23:59:59 GMT", 0],
    ["99999999999", 300_000],
  ];
  for (const [header, want] of cases) assert.equal(retryAfterMs(header), want, String(header));
});
