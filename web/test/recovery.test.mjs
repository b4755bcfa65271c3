import assert from "node:assert/strict";
import { test } from "node:test";
import { Memory, World, push, settled } from "./world.mjs";

/** A client that is online and has the messages up to 2 of everyone's conversation. */
async function caughtUp(options) {
  const world = new World();
  const it = world.client(options);
  it.throng.start();
  await world.welcome();
  world.socket.says(push(1, 0), push(2, 1));
  return { world, ...it, seqs: () => it.told.messages.map(({ seq }) => seq) };
}

test("duplicates are dropped, and names are compared as nicks are", async () => {
  const { world, seqs } = await caughtUp();
  world.socket.says(push(2, 1), push(1, 0), push(3, 2, { conv: "room:ALL" }), push(3, 2));
  assert.deepEqual(seqs(), [1, 2, 3]);
});

test("a gap is paged from history before what comes after it, whatever the order of the page", async () => {
  const { world, seqs } = await caughtUp();
  world.socket.says(push(9, 7), push(10, 9));
  await settled();
  const { id, conv, after } = world.socket.last("history");
  assert.deepEqual([conv, after], ["room:all", 2]);
  world.socket.says(push(12, 10));
  assert.deepEqual(seqs(), [1, 2]);
  world.socket.says({ t: "history", id, conv, msgs: [push(7, 5), push(5, 2), push(9, 7)], more: false });
  await settled();
  assert.deepEqual(seqs(), [1, 2, 5, 7, 9, 10, 12]);
  assert.equal(world.socket.frames.filter(({ t }) => t === "history").length, 1);
});

test("a gap frame is paged as well, in as many pages as it takes", async () => {
  const { world, seqs } = await caughtUp();
  world.socket.says({ t: "gap", conv: "room:all", from: 3, to: 6 });
  await settled();
  let { id } = world.socket.last("history");
  world.socket.says({ t: "history", id, conv: "room:all", msgs: [push(3, 2), push(4, 3)], more: true });
  await settled();
  const second = world.socket.last("history");
  assert.equal(second.after, 4);
  world.socket.says({ t: "history", id: second.id, conv: "room:all", msgs: [push(5, 4), push(6, 5)], more: false });
  world.socket.says(push(7, 6));
  await settled();
  assert.deepEqual(seqs(), [1, 2, 3, 4, 5, 6, 7]);
});

test("a gap whose messages were trimmed does not hold up the rest", async () => {
  const { world, seqs } = await caughtUp();
  world.socket.says(push(9, 8));
  await settled();
  world.socket.says({ t: "history", id: world.socket.last("history").id, conv: "room:all", msgs: [], more: false });
  await settled();
  assert.deepEqual(seqs(), [1, 2, 9]);
});

test("a gap that is too long starts the conversation anew from its end", async () => {
  const { world, told, seqs } = await caughtUp();
  world.socket.says({ t: "gap", conv: "room:all", from: 3, to: 9000 });
  for (let page = 0; page < 5; page++) {
    await settled();
    const { id, after } = world.socket.last("history");
    world.socket.says({ t: "history", id, conv: "room:all", msgs: [push(after + 1, after)], more: true });
  }
  await settled();
  const { id, after } = world.socket.last("history");
  assert.equal(after, undefined);
  world.socket.says({ t: "history", id, conv: "room:all", msgs: [push(9000, 8999)], more: true }, push(9001, 9000));
  await settled();
  assert.deepEqual(told.resets, [{ conv: "room:all", msgs: [push(9000, 8999)], more: true }]);
  assert.equal(seqs().at(-1), 9001);
});

test("a page that could be had later is asked for again", async () => {
  const { world, seqs } = await caughtUp();
  world.socket.says(push(4, 3));
  await settled();
  world.socket.says({ t: "err", id: world.socket.last("history").id, code: 503, message: "disk", retry: true, retry_after_ms: 2000 });
  await world.pass(1999);
  assert.equal(world.socket.frames.filter(({ t }) => t === "history").length, 1);
  await world.pass(1);
  world.socket.says({ t: "history", id: world.socket.last("history").id, conv: "room:all", msgs: [push(3, 2)], more: false });
  await settled();
  assert.deepEqual(seqs(), [1, 2, 3, 4]);
});

test("a new connection continues at the position, also after a reload", async () => {
  const { world, throng, seqs, storage } = await caughtUp();
  world.socket.closes(1006);
  throng.start();
  world.socket.opens();
  assert.deepEqual(world.socket.frames[0].pos, { "room:all": ["e1", 2] });
  await world.welcome({ recovered: { "room:all": true } });
  world.socket.says(push(3, 2));
  assert.deepEqual(seqs(), [1, 2, 3]);
  throng.stop();

  const later = new World();
  later.client({ storage }).throng.start();
  later.socket.opens();
  assert.deepEqual(later.socket.frames[0], { t: "hello", id: "hello", resume: "secret", pos: { "room:all": ["e1", 3] } });
});

test("a fill that the connection's end broke off is the next connection's to recover", async () => {
  const { world, throng, seqs } = await caughtUp();
  world.socket.says(push(9, 7));
  await settled();
  world.socket.closes(1006);
  throng.start();
  await world.welcome({ recovered: { "room:all": true } });
  world.socket.says(push(7, 2), push(9, 7));
  await settled();
  assert.deepEqual(seqs(), [1, 2, 7, 9]);
});

for (const [name, welcome] of [
  ["recovered:false", { recovered: { "room:all": false } }],
  ["another epoch", { epoch: "e2", recovered: {} }],
]) {
  test(`${name}: the newest page is told as a reset, and what came meanwhile after it`, async () => {
    const { world, throng, told, seqs } = await caughtUp();
    world.socket.closes(1006);
    throng.start();
    await world.welcome(welcome);
    const epoch = welcome.epoch ?? "e1";
    const { id, conv, after, before } = world.socket.last("history");
    assert.deepEqual([conv, after, before], ["room:all", undefined, undefined]);
    world.socket.says(push(52, 51, { epoch }));
    assert.deepEqual(seqs(), [1, 2]);
    world.socket.says({ t: "history", id, conv, msgs: [push(51, 50, { epoch }), push(50, 40, { epoch })], more: true });
    await settled();
    assert.deepEqual(told.resets.map(({ msgs, more }) => [msgs.map(({ seq }) => seq), more]), [[[50, 51], true]]);
    assert.deepEqual(seqs(), [1, 2, 52]);
  });
}

test("a reset that the connection's end broke off is done by the next", async () => {
  const { world, throng, told } = await caughtUp();
  world.socket.closes(1006);
  throng.start();
  await world.welcome({ epoch: "e2" });
  world.socket.closes(1006);
  throng.start();
  await world.welcome({ epoch: "e2" });
  const { id, conv } = world.socket.last("history");
  world.socket.says({ t: "history", id, conv, msgs: [push(1, 0, { epoch: "e2" })], more: false });
  await settled();
  assert.equal(told.resets.length, 1);
});

test("rooms are entered again with their positions, before anything is said in them", async () => {
  const { world, throng, storage } = await caughtUp();
  const join = throng.join("Go");
  await settled();
  world.socket.says({ t: "joined", id: world.socket.last("join").id, room: "Go", conv: "room:Go", members: 3, epoch: "e1", seq: 20 });
  await join;
  world.socket.says(push(21, 20, { conv: "room:Go", room: "Go" }));
  world.socket.closes(1006);
  throng.say("room:go", "hi");
  throng.start();
  await world.welcome();
  assert.deepEqual(world.socket.frames[0].pos, { "room:all": ["e1", 2] });
  const again = world.socket.last("join");
  assert.deepEqual([again.room, again.pos], ["Go", ["e1", 21]]);
  assert.equal(world.socket.last("msg"), undefined);
  world.socket.says({ t: "joined", id: again.id, room: "Go", members: 3, epoch: "e1", seq: 21, recovered: true });
  await settled();
  assert.equal(world.socket.last("msg").room, "go");

  assert.deepEqual(new World().client({ storage }).throng.rooms, ["Go"]);
  const left = throng.leave("go");
  await settled();
  world.socket.says({ t: "left", id: world.socket.last("leave").id, room: "go" });
  await left;
  assert.deepEqual(new World().client({ storage }).throng.rooms, []);
});

test("a room that takes one no more holds nothing up", async () => {
  const storage = new Memory();
  storage.setItem("throng:alice:rooms", '["go"]');
  const world = new World();
  const { throng, told } = world.client({ storage });
  throng.say("room:go", "hi");
  throng.start();
  await world.welcome();
  world.socket.says({ t: "err", id: world.socket.last("join").id, code: 403, message: "closed", retry: false });
  await settled();
  assert.equal(told.faults[0].code, 403);
  world.socket.says({ t: "err", id: world.socket.last("msg").id, code: 403, message: "not a member", retry: false });
  await settled();
  assert.equal(throng.parcels[0].state, "failed");
});

test("receipts: recv for what came from others in a direct conversation, read when told to; each once", async () => {
  const { world, throng } = await caughtUp();
  const direct = { conv: "dm:bob", to_user: "alice" };
  world.socket.says(push(3, 0, direct), push(4, 3, direct), push(5, 4, { ...direct, from_user: "alice", cid: "c" }));
  throng.read("dm:bob", 4);
  throng.read("room:all", 2);
  await world.pass(200);
  throng.read("dm:bob", 4);
  await world.pass(200);
  const sent = world.socket.frames.filter(({ t }) => t === "recv" || t === "read");
  assert.deepEqual(sent, [{ t: "recv", conv: "dm:bob", seq: 4 }, { t: "read", conv: "dm:bob", seq: 4 }]);
});

test("what the other side does is told", async () => {
  const { world, told } = await caughtUp();
  world.socket.says(
    { t: "typing", conv: "dm:bob", from_user: "bob" },
    { t: "recv", conv: "dm:bob", seq: 4 },
    { t: "read", conv: "dm:bob", from_user: "bob", seq: 4 },
    { t: "presence", room: "go", count: 2, joined: ["bob"] },
    { t: "err", code: 400, message: "what?" },
    { t: "news", of: "tomorrow" },
  );
  assert.deepEqual(told.typing, [{ conv: "dm:bob", from: "bob" }]);
  assert.deepEqual(told.recv, [{ conv: "dm:bob", from: "bob", seq: 4 }]);
  assert.deepEqual(told.read, told.recv);
  assert.deepEqual(told.presence.slice(1), [{ room: "go", count: 2, joined: ["bob"], left: [] }]);
  assert.equal(told.faults[0].code, 400);
});
