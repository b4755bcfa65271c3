import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { explain, explainError, textsFor } from "../client/js/texts/texts.js";
import { CLOSE } from "../client/js/codes.gen.js";

const en = textsFor(["en"]);
const zh = textsFor(["zh"]);

test("the first language known is spoken", () => {
  const cases = [
    [["zh-CN", "en"], zh],
    [["zh-Hant-TW"], zh],
    [["fr", "zh", "en"], zh],
    [["de", "en-GB", "zh"], en],
    [["fr"], en],
    [[], en],
    [["zha"], en],
  ];
  for (const [languages, want] of cases) assert.equal(textsFor(languages), want, languages.join());
});

test("both languages say the same things", () => {
  const shape = (texts) =>
    Object.entries(texts).map(([key, value]) => [key, typeof value, typeof value === "object" ? shape(value) : ""]).sort();
  assert.deepEqual(shape(zh), shape(en));
});

test("the page names only texts that there are", async () => {
  const page = await readFile(new URL("../client/index.html", import.meta.url), "utf8");
  const names = [...page.matchAll(/data-(?:text|label|placeholder)="([^"]*)"/g)].map(([, name]) => name);
  assert.ok(names.length > 10);
  for (const name of names) assert.equal(typeof en[name], "string", name);
});

test("every reason has its words", () => {
  for (const texts of [en, zh]) {
    const said = [
      { kind: "closed", code: 4510, detail: "" },
      { kind: "closed", code: 4777, detail: "because" },
      { kind: "unreachable", code: 0, detail: "" },
      { kind: "silent", code: 0, detail: "" },
      { kind: "dialect", code: 426, detail: "" },
      { kind: "denied", code: 403, detail: "too far" },
      { kind: "full", code: 503, detail: "" },
      { kind: "odd", code: 418, detail: "" },
      { kind: "token", code: 0, detail: "" },
      { kind: "closed", code: CLOSE.token, detail: "the token has expired" },
    ].map((why) => explain(texts, why));
    assert.equal(new Set(said).size, said.length);
    assert.match(said[1], /4777.*because/);
    assert.match(said[5], /too far/);
    assert.match(said[7], /418/);
    assert.match(said[9], /the token has expired/);
  }
});

test("every code that a server may send has its words", () => {
  const codes = Object.values(CLOSE).filter((code) => code > 4000);
  for (const texts of [en, zh]) {
    for (const code of codes) assert.ok(texts.closeCodes[code], String(code));
    assert.equal(explainError(texts, { code: 404, message: "x" }), texts.errors[404]);
    assert.equal(explainError(texts, { code: 499, message: "for some reason" }), "for some reason");
    assert.match(explainError(texts, { code: 499, message: "" }), /499/);
  }
});
