import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode } from "../client/js/throng/frames.js";

test("a batch is lines of objects; what is none is dropped; no t means msg", () => {
  assert.deepEqual(decode('{"t":"pong"}\n\n  \n{"message":1}\r\nnonsense\n[1]\nnull\n"x"\n7'), [
    { t: "pong" },
    { t: "msg", message: 1 },
  ]);
});

test("frames are joined as long as they are small, in their order", () => {
  const frames = Array.from({ length: 100 }, (_, i) => ({ t: "msg", message: `${i}`.repeat(300) }));
  frames.splice(50, 0, { t: "msg", message: "x".repeat(40_000) });
  const batches = encode(frames);
  assert.ok(batches.length > 2 && batches.length < 12, `${batches.length} batches`);
  assert.deepEqual(batches.flatMap(decode), frames);
  assert.deepEqual(encode([]), []);
  assert.ok(encode(frames, 3000).every((batch) => batch.length < 1000 || batch.length > 40_000 || !batch.includes("\n")));
  const small = Array.from({ length: 600 }, () => ({ t: "ping" }));
  assert.deepEqual(encode(small).map((batch) => decode(batch).length), [256, 256, 88]);
});

test("a text with line ends stays one frame", () => {
  assert.deepEqual(decode(encode([{ t: "msg", message: "a\nb\u2028c" }])[0]), [{ t: "msg", message: "a\nb\u2028c" }]);
});
