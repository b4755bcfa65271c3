import assert from "node:assert/strict";
import { test } from "node:test";
import { LINES, Thread } from "../client/js/chat/thread.js";
import { ThrongError } from "../client/js/throng/throng.js";

const line = (seq, more = {}) => ({ conv: "room:all", seq, prev: seq - 1, epoch: "e1", ts: seq, mid: "", from_user: "bob", message: seq, ...more });
const stretch = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => line(from + i));

/** A thread on a conversation of the messages 1 to `last`. */
function threadOf(last) {
  const it = { last, asked: [], changes: 0, hold: null };
  it.thread = new Thread(async ({ before = Infinity, after = 0, limit }) => {
    it.asked.push({ before, after });
    const all = stretch(1, it.last).filter(({ seq }) => seq > after && seq < before);
    const msgs = after ? all.slice(0, limit) : all.slice(-limit);
    await it.hold;
    return { msgs, more: all.length > limit };
  }, () => it.changes++);
  it.seqs = () => it.thread.lines.map(({ seq }) => seq);
  return it;
}

const whole = (seqs, from, to) => assert.deepEqual(seqs, stretch(from, to).map(({ seq }) => seq));

test("it shows nothing before it looked up, and follows afterwards", async () => {
  const it = threadOf(120);
  it.thread.add(line(121));
  assert.deepEqual(it.seqs(), []);
  await it.thread.latest();
  whole(it.seqs(), 71, 120);
  assert.ok(it.thread.older && !it.thread.newer);
  it.thread.add(line(121));
  it.thread.add(line(121));
  whole(it.seqs(), 71, 121);
});

test("what is heard during a look-up is not lost", async () => {
  const it = threadOf(120);
  let go;
  it.hold = new Promise((resolve) => (go = resolve));
  const latest = it.thread.latest();
  it.thread.add(line(121));
  it.thread.add(line(122));
  go();
  await latest;
  whole(it.seqs(), 73 - 2, 122);
});

test("up and down again, within the window", async () => {
  const it = threadOf(1000);
  await it.thread.latest();
  while (it.thread.older) await it.thread.up();
  whole(it.seqs(), 1, LINES);
  assert.ok(it.thread.newer);
  it.last = 1001;
  it.thread.add(line(1001));
  whole(it.seqs(), 1, LINES);
  while (it.thread.newer) await it.thread.down();
  whole(it.seqs(), 1002 - LINES, 1001);
  assert.ok(it.thread.older);
  it.thread.add(line(1002));
  whole(it.seqs(), 1003 - LINES, 1002);
});

test("what comes does not push out what is being read", async () => {
  const it = threadOf(LINES);
  await it.thread.latest();
  while (it.thread.older) await it.thread.up();
  it.thread.isFollowed = false;
  it.thread.add(line(LINES + 1));
  whole(it.seqs(), 1, LINES);
  assert.ok(it.thread.newer);
  it.last = LINES + 1;
  await it.thread.latest();
  whole(it.seqs(), LINES - 48, LINES + 1);
});

test("a message that comes late stands where it belongs; an ack and its echo are one line under one key", async () => {
  const it = threadOf(3);
  await it.thread.latest();
  it.thread.add(line(6, { cid: "c", from_user: "alice" }));
  it.thread.add(line(5));
  it.thread.add(line(6, { from_user: "alice" }));
  assert.deepEqual(it.seqs(), [1, 2, 3, 5, 6]);
  assert.deepEqual(it.thread.lines.at(-1).key, "c");
  assert.equal(it.thread.lines.at(-1).cid, "c");
});

test("a reset begins anew, and rest keeps the newest", async () => {
  const it = threadOf(200);
  await it.thread.latest();
  await it.thread.up();
  it.thread.rest();
  whole(it.seqs(), 151, 200);
  it.thread.reset({ msgs: [line(1, { epoch: "e2" })], more: false });
  assert.deepEqual(it.seqs(), [1]);
  assert.equal(it.thread.older, false);
});

test("a look-up that fails can be made again", async () => {
  let fails = true;
  const thread = new Thread(async () => {
    if (fails) throw new ThrongError(0, "gone");
    return { msgs: [line(1)], more: false };
  }, () => {}, 1);
  await thread.latest();
  assert.ok(!thread.isReady && !thread.isBusy);
  fails = false;
  await thread.latest();
  assert.ok(thread.isReady);
});
