import assert from "node:assert/strict";
import { test } from "node:test";
import { Memory, World, settled } from "./world.mjs";

/** A client that is online. */
async function online(options) {
  const world = new World();
  const it = world.client(options);
  it.throng.start();
  await world.welcome();
  return { world, ...it, said: () => world.socket.frames.filter(({ t }) => t === "msg") };
}

/** The server's ack of the last message. */
async function acknowledge(world, more = {}) {
  const { id, cid } = world.socket.last("msg");
  world.socket.says({ t: "ack", id, cid, mid: "m", conv: "room:all", seq: 42, ts: 7, dur: "fsync", ...more });
  await settled();
}

test("a message is sent, acknowledged and told as stored", async () => {
  const { world, throng, told, said } = await online();
  const { cid } = throng.say("dm:bob", { any: ["json"] });
  await settled();
  assert.deepEqual(said(), [{ t: "msg", id: said()[0].id, cid, to_user: "bob", message: { any: ["json"] } }]);
  assert.equal(throng.parcels[0].state, "sent");
  await acknowledge(world, { conv: "dm:Bob", online: false });
  assert.deepEqual(throng.parcels, []);
  const [{ message }] = told.stored;
  assert.deepEqual([message.conv, message.seq, message.ts, message.from_user, message.online], ["dm:Bob", 42, 7, "alice", false]);
});

test("addresses: everyone, a room, one", async () => {
  const { throng, said } = await online();
  for (const conv of ["room:all", "room:go", "dm:bob"]) throng.say(conv, "x");
  await settled();
  assert.deepEqual(said().map(({ room, to_user: to }) => [room, to]), [[undefined, undefined], ["go", undefined], [undefined, "bob"]]);
});

test("what is said without a connection waits, also over a reload, and keeps its cid and order", async () => {
  const { world, throng, storage } = await online();
  world.socket.closes(1006);
  const cids = ["one", "two"].map((text) => throng.say("room:all", text).cid);
  throng.stop();

  const later = await online({ storage });
  await settled();
  assert.deepEqual(later.said().map(({ cid }) => cid), [cids[0]]);
  await acknowledge(later.world);
  assert.deepEqual(later.said().map(({ cid, message }) => [cid, message]), [[cids[0], "one"], [cids[1], "two"]]);
});

test("a lost ack: the message is sent again with the same cid", async () => {
  const { world, throng, said } = await online();
  const { cid } = throng.say("room:all", "once");
  await settled();
  world.socket.closes(1006);
  assert.equal(throng.parcels[0].state, "queued");
  throng.start();
  await world.welcome();
  assert.deepEqual(said().map((frame) => frame.cid), [cid]);
  await acknowledge(world);
  assert.deepEqual(throng.parcels, []);
});

test("an ack that does not come on a living connection: the same", async () => {
  const { world, throng, said } = await online();
  throng.say("room:all", "once");
  await settled();
  await world.pass(10_000);
  world.socket.says({ t: "pong" });
  await world.pass(1000);
  assert.equal(said().length, 2);
  assert.equal(said()[0].cid, said()[1].cid);
});

test("429: all rest as long as the server asks, and no later message overtakes", async () => {
  const { world, throng, said } = await online();
  throng.say("room:all", "one");
  throng.say("room:all", "two");
  await settled();
  world.socket.says({ t: "err", id: said()[0].id, code: 429, message: "slow down", retry: true, retry_after_ms: 3000 });
  await world.pass(2999);
  throng.say("dm:bob", "three");
  await settled();
  assert.equal(said().length, 1);
  await world.pass(1);
  assert.deepEqual(said().map(({ message }) => message), ["one", "one", "three"]);
  await acknowledge({ socket: { last: () => said()[1], says: (frame) => world.socket.says(frame) } });
  assert.equal(said().at(-1).message, "two");
});

test("a refusal for good fails the one message and lets the next go; it can be sent again or discarded", async () => {
  const { world, throng, said } = await online();
  throng.say("dm:nobody", "one");
  throng.say("dm:nobody", "two");
  await settled();
  world.socket.says({ t: "err", id: said()[0].id, code: 404, message: "no such nick", retry: false });
  await settled();
  assert.deepEqual(throng.parcels.map(({ state }) => state), ["failed", "sent"]);
  assert.deepEqual(throng.parcels[0].error, { code: 404, message: "no such nick" });
  throng.discard(throng.parcels[1].cid);
  throng.sayAgain(throng.parcels[0].cid);
  await settled();
  assert.equal(said()[2].cid, said()[0].cid);
  world.socket.says({ t: "err", id: said()[1].id, code: 404, message: "late", retry: false });
  await settled();
  assert.deepEqual(throng.parcels.map(({ state }) => state), ["sent"]);
});

test("what is larger than the server takes is not sent", async () => {
  const world = new World();
  const { throng } = world.client();
  throng.start();
  await world.welcome({ limits: { max_message: 1000 } });
  throng.say("room:all", "好".repeat(200));
  assert.equal(throng.parcels[0].error.code, 413);
  assert.equal(world.socket.last("msg"), undefined);
});

test("the outbox is bounded, in messages and in text", () => {
  const { throng } = new World().client();
  for (let i = 0; i < 200; i++) assert.ok(throng.say("room:all", `${i}`));
  assert.equal(throng.say("room:all", "one more"), null);
  const other = new World().client().throng;
  assert.equal(other.say("room:all", "x".repeat(600_000)), null);
});

test("a storage that refuses or holds nonsense costs no message", async () => {
  const full = { getItem: () => "{nonsense", setItem: () => { throw new Error("quota"); } };
  const { world, throng } = await online({ storage: full });
  throng.say("room:all", "one");
  await settled();
  await acknowledge(world);
  assert.deepEqual(throng.parcels, []);
});

test("another nick has other things", () => {
  const storage = new Memory();
  new World().client({ storage }).throng.say("room:all", "alice's");
  assert.equal(new World().client({ storage, nick: "bob" }).throng.parcels.length, 0);
  assert.equal(new World().client({ storage, nick: "ALICE" }).throng.parcels.length, 1);
});
