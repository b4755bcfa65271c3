import assert from "node:assert/strict";
import { test } from "node:test";
import { Chat } from "../client/js/chat.js";

/** A chat with a wire that can be cut, and a clock. */
function fixture({ limit } = {}) {
  const wire = { up: true, frames: [], now: 1000 };
  const chat = new Chat({
    me: "Alice",
    send: (frame) => wire.up && wire.frames.push(JSON.parse(frame)) > 0,
    now: () => wire.now,
    limit,
  });
  const hear = (from_user, to_user, message) => chat.receive(JSON.stringify({ from_user, to_user, message }));
  return { wire, chat, hear };
}

const texts = (list) => list.map(({ text }) => text);
const fates = (chat) => chat.parcels.map(({ text, state }) => `${text} ${state}`);

test("a broadcast is shown when it comes back", () => {
  const { wire, chat, hear } = fixture();
  assert.ok(chat.say("", "hi"));
  assert.deepEqual(wire.frames, [{ from_user: "Alice", to_user: "", message: "hi" }]);
  assert.deepEqual(chat.entries, []);
  assert.deepEqual(fates(chat), ["hi sent"]);
  hear("Alice", "", "hi");
  assert.deepEqual(fates(chat), []);
  const [{ kind, mine, text }] = chat.entries;
  assert.deepEqual({ kind, mine, text }, { kind: "room", mine: true, text: "hi" });
});

test("a direct message is shown at once, since it does not come back", () => {
  const { chat } = fixture();
  chat.say(" Bob ", "psst");
  assert.deepEqual(fates(chat), []);
  const [{ kind, mine, to, text }] = chat.entries;
  assert.deepEqual({ kind, mine, to, text }, { kind: "direct", mine: true, to: "Bob", text: "psst" });
});

test("a message to oneself comes back, so it is shown once", () => {
  const { chat, hear } = fixture();
  chat.say("alice", "note");
  hear("Alice", "Alice", "note");
  assert.deepEqual(texts(chat.entries), ["note"]);
  assert.deepEqual(fates(chat), []);
});

test("what is said while offline waits and leaves in order", () => {
  const { wire, chat, hear } = fixture();
  wire.up = false;
  for (const [to, text] of [["", "one"], ["bob", "two"], ["", "three"]]) assert.ok(chat.say(to, text));
  assert.deepEqual(fates(chat), ["one queued", "two queued", "three queued"]);
  assert.deepEqual(wire.frames, []);
  wire.up = true;
  chat.connected();
  assert.deepEqual(wire.frames.map(({ message }) => message), ["one", "two", "three"]);
  assert.deepEqual(texts(chat.entries), ["two"]);
  hear("Alice", "", "one");
  hear("Alice", "", "three");
  assert.deepEqual(fates(chat), []);
});

test("what had no echo when the connection broke is not sent again unasked", () => {
  const { wire, chat } = fixture();
  chat.say("", "lost?");
  wire.up = false;
  chat.disconnected();
  assert.deepEqual(fates(chat), ["lost? unsure"]);
  wire.up = true;
  chat.connected();
  assert.equal(wire.frames.length, 1);
  chat.sayAgain(chat.parcels[0].id);
  assert.equal(wire.frames.length, 2);
  assert.deepEqual(fates(chat), ["lost? sent"]);
  chat.discard(chat.parcels[0].id);
  assert.deepEqual(fates(chat), []);
});

test("an echo that stays away, and one that comes late", () => {
  const { wire, chat, hear } = fixture();
  chat.say("", "slow");
  wire.now += 9_999;
  chat.tick();
  assert.deepEqual(fates(chat), ["slow sent"]);
  wire.now += 1;
  chat.tick();
  assert.deepEqual(fates(chat), ["slow unsure"]);
  hear("Alice", "", "slow");
  assert.deepEqual(fates(chat), []);
});

test("an echo tells that what was sent before it was refused", () => {
  const { chat, hear } = fixture();
  for (const text of ["a", "b", "c"]) chat.say("", text);
  hear("Alice", "", "b");
  assert.deepEqual(fates(chat), ["a unsure", "c sent"]);
});

test("equal messages are told apart by their order and recipient", () => {
  const { chat, hear } = fixture();
  chat.say("", "x");
  chat.say("alice", "x");
  chat.say("", "x");
  hear("Alice", "alice", "x");
  assert.deepEqual(chat.parcels.map(({ to, state }) => to + state), ["unsure", "sent"]);
});

test("too much waiting is refused, not forgotten", () => {
  const { wire, chat } = fixture();
  wire.up = false;
  let taken = 0;
  while (chat.say("", `m${taken}`)) taken++;
  assert.equal(taken, 30);
  assert.equal(chat.parcels.length, 30);
});

test("the list is bounded; the oldest go first", () => {
  const { chat, hear } = fixture({ limit: 3 });
  for (const text of ["a", "b", "c", "d", "e"]) hear("bob", "", text);
  assert.deepEqual(texts(chat.entries), ["c", "d", "e"]);
  assert.deepEqual(chat.entries.map(({ id }) => id), [3, 4, 5]);
});

test("notices of the server and junk", () => {
  const { chat, hear } = fixture();
  hear("system", "Alice", "carol is not here");
  chat.receive("junk");
  assert.deepEqual(chat.entries.map(({ kind, text }) => [kind, text]), [["notice", "carol is not here"]]);
  assert.deepEqual(chat.people, []);
});

test("the people met, the latest first, once each, bounded", () => {
  const { chat, hear } = fixture();
  hear("bob", "", "1");
  hear("carol", "", "2");
  chat.say("dave", "3");
  hear("Bob", "", "4");
  hear("Alice", "", "5");
  assert.deepEqual(chat.people, ["Bob", "dave", "carol"]);
  for (let i = 0; i < 200; i++) hear(`user${i}`, "", "x");
  assert.equal(chat.people.length, 50);
  assert.equal(chat.people[0], "user199");
});

test("only others are unread, and only while nobody looks", () => {
  const { chat, hear } = fixture();
  const told = [];
  chat.addEventListener("unread", () => told.push(chat.unread));
  hear("bob", "", "seen");
  chat.setAway(true);
  hear("bob", "", "1");
  hear("Alice", "", "mine");
  hear("system", "Alice", "notice");
  hear("bob", "Alice", "2");
  chat.setAway(false);
  assert.deepEqual(told, [1, 2, 0]);
});
