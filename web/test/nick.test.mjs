import assert from "node:assert/strict";
import { test } from "node:test";
import { sameNick, socketAddress } from "../client/js/throng/nick.js";
import { nickHue, nickInitial } from "../client/js/view/badge.js";

test("nicks are compared as the server does", () => {
  assert.ok(sameNick("Alice", "  alice "));
  assert.ok(sameNick("Ａｌｉｃｅ", "alice"));
  assert.ok(sameNick("a  b", "a\u00a0b"));
  assert.ok(sameNick("e\u0301", "é"));
  assert.ok(!sameNick("alice", "alice2"));
  assert.ok(!sameNick("ab", "a b"));
});

test("the socket's address stands beside the page", () => {
  const cases = [
    ["alice", "http://host:8888/", "http://host:8888/conn/ws/alice"],
    ["a/b?c#d", "https://host/", "https://host/conn/ws/a%2Fb%3Fc%23d"],
    ["小明 👋", "http://host/", "http://host/conn/ws/%E5%B0%8F%E6%98%8E%20%F0%9F%91%8B"],
    ["..x", "http://host/chat/", "http://host/chat/conn/ws/..x"],
    ["%2e", "http://host/", "http://host/conn/ws/%252e"],
    [".", "http://host/", null],
    ["..", "http://host/", null],
    ["\ud83d", "http://host/", null],
  ];
  for (const [nick, base, want] of cases) assert.equal(socketAddress(nick, base), want, nick);
});

test("a nick has one colour, and neighbours have others", () => {
  assert.equal(nickHue("Alice"), nickHue("alice"));
  const hues = new Set(Array.from({ length: 100 }, (_, i) => Math.round(nickHue(`user${i}`) / 4)));
  assert.ok(hues.size > 40, `${hues.size} of 90 colours`);
  for (const hue of hues) assert.ok(hue >= 0 && hue <= 90);
});

test("a badge holds what a person takes for one character", () => {
  const cases = [["alice", "A"], ["  bob", "B"], ["小明", "小"], ["👩‍👩‍👧x", "👩‍👩‍👧"], ["", "?"]];
  for (const [nick, want] of cases) assert.equal(nickInitial(nick), want);
});
