import assert from "node:assert/strict";
import { test } from "node:test";
import { CLOSE, reconnects } from "../client/js/codes.gen.js";

test("close codes: who comes back", () => {
  for (const code of [1000, 1001, 1006, 1009, 1011, 1012, 4000, 4001, 4008, 4029, 4053, 4499, 5000]) {
    assert.equal(reconnects(code), true, String(code));
  }
  for (const code of [4500, 4501, 4503, 4509, 4510, 4999]) assert.equal(reconnects(code), false, String(code));
});

test("each code has one name", () => {
  const codes = Object.values(CLOSE);
  assert.equal(new Set(codes).size, codes.length);
});
