import assert from "node:assert/strict";
import { test } from "node:test";
import { nickIn, tokenIn } from "../client/js/token.js";

const tokenOf = (claims) => `e30.${Buffer.from(claims).toString("base64url")}.x`;

test("a token is taken out of the fragment", () => {
  assert.equal(tokenIn("#token=a.b-c_d.e"), "a.b-c_d.e");
  for (const hash of ["", "#", "#tokens=a", "#a=b"]) assert.equal(tokenIn(hash), "");
});

test("a token says whose it is, or nothing", () => {
  assert.equal(nickIn(tokenOf('{"sub":"Zoë 🦊"}')), "Zoë 🦊");
  for (const token of ["", "a", "a.b.c", "a.%.c", tokenOf("{}"), tokenOf('{"sub":1}'), tokenOf("null")]) assert.equal(nickIn(token), "");
});
