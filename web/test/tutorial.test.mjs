import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode } from "../client/js/tutorial.js";

test("a frame has exactly the three keys of the dialect", () => {
  const frame = encode({ from: "alice", to: "", text: 'a "b"\n</script>' });
  assert.equal(frame, '{"from_user":"alice","to_user":"","message":"a \\"b\\"\\n</script>"}');
});

test("what can be read", () => {
  const cases = [
    ['{"from_user":"a","to_user":"","message":"x"}', { from: "a", to: "", text: "x" }],
    ['{"from_user":"a","to_user":"b","message":""}', { from: "a", to: "b", text: "" }],
    ['{"from_user":"a","to_user":null,"message":"x"}', { from: "a", to: "", text: "x" }],
    ['{"from_user":"a","message":"x"}', { from: "a", to: "", text: "x" }],
    ['{"from_user":"a","to_user":"","message":null}', { from: "a", to: "", text: "null" }],
    ['{"from_user":"a","to_user":"","message":42}', { from: "a", to: "", text: "42" }],
    ['{"from_user":"a","to_user":"","message":{"k":[1]}}', { from: "a", to: "", text: '{\n  "k": [\n    1\n  ]\n}' }],
  ];
  for (const [frame, want] of cases) assert.deepEqual(decode(frame), want, frame);
});

test("what is not of the dialect is not a message", () => {
  for (const frame of ["", "nonsense", "null", "[]", '"x"', "7", "{}", '{"from_user":1,"message":"x"}', '{"from_user":"a"}']) {
    assert.equal(decode(frame), null, frame);
  }
});
