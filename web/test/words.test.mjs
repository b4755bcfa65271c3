import assert from "node:assert/strict";
import { test } from "node:test";
import { isEmojiOnly, mentions, partsOfText, wordsOf } from "../client/js/chat/words.js";

test("links end where a reader ends them, and lead to the web alone", () => {
  const cases = [
    ["see https://a.b/c_(d), or not", ["https://a.b/c_(d)"]],
    ["(http://x.y/z)", ["http://x.y/z"]],
    ["看https://例子.中国/路。好", ["https://xn--fsqu00a.xn--fiqs8s/%E8%B7%AF"]],
    ["HTTPS://A.B", ["https://a.b/"]],
    ["http://a.b?q=1&r=<b>", ["http://a.b/?q=1&r="]],
    ["javascript:alert(1) data:text/html,x ftp://a.b https:// xhttps://a.b", []],
  ];
  for (const [text, want] of cases) {
    const parts = partsOfText(text);
    assert.equal(parts.map((part) => part.text).join(""), text);
    assert.deepEqual(parts.filter(({ href }) => href).map(({ href }) => href), want, text);
  }
});

test("any JSON has words", () => {
  assert.deepEqual(["a", 1, null, { k: [1] }, undefined].map(wordsOf), ["a", "1", "null", '{\n  "k": [\n    1\n  ]\n}', ""]);
});

test("few emoji and nothing else", () => {
  for (const text of ["🎉", "👏🚀", "👩‍👩‍👧 🇨🇳", "❤️", "👍🏽"]) assert.ok(isEmojiOnly(text), text);
  for (const text of ["", "a", "12", "🎉!", "🎉🎉🎉🎉", "hi 🎉"]) assert.ok(!isEmojiOnly(text), text);
});

test("a nick is named as a word of its own", () => {
  assert.ok(mentions("hey @Bob!", "bob"));
  assert.ok(mentions("小明，你好", "小明"));
  assert.ok(mentions("a.b?", "a.b"));
  assert.ok(!mentions("bobby", "bob"));
  assert.ok(!mentions("aXb", "a.b"));
});
