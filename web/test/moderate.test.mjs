import assert from "node:assert/strict";
import { test } from "node:test";
import { Chats } from "../client/js/chat/chats.js";
import { Thread } from "../client/js/chat/thread.js";
import { en } from "../client/js/texts/en.js";
import { explain, explainError } from "../client/js/texts/texts.js";
import { Store } from "../client/js/throng/store.js";
import { itemsOf } from "../client/js/view/items.js";
import { wordsFor } from "../client/js/view/words.js";
import { Memory, World, settled } from "./world.mjs";

const message = (seq, more = {}) => ({ conv: "room:all", seq, prev: seq - 1, epoch: "e1", ts: seq, mid: `m${seq}`, from_user: "bob", message: `text ${seq}`, ...more });

test("a deleted message loses its words, whether it was there or is on its way", async () => {
  let go;
  const hold = new Promise((resolve) => (go = resolve));
  const thread = new Thread(async () => (await hold, { msgs: [message(1), message(2)], more: false }), () => {});
  const latest = thread.latest();
  thread.remove(1); // the page was read before
  go();
  await latest;
  thread.remove(2);
  thread.remove(7);
  thread.add(message(3));
  assert.deepEqual(thread.lines.map(({ seq, deleted, message }) => [seq, deleted === true, message]),
    [[1, true, null], [2, true, null], [3, false, "text 3"]]);
});

test("deleted messages in the list, and who may do what about a message", async () => {
  const world = new World();
  const { throng } = world.client();
  const chats = new Chats(throng, new Store(new Memory(), "alice"));
  throng.start();
  await world.welcome();
  const push = (frame) => world.socket.onmessage({ data: JSON.stringify(frame) });
  push({ t: "msg", ...message(1) });
  push({ t: "deleted", conv: "room:all", seq: 1, mid: "m1" });
  await settled();
  assert.deepEqual(chats.current.last, { from: "bob", text: "", ts: 1, deleted: true });
  assert.equal(wordsFor(en).preview(chats.current, "alice"), `bob: ${en.deleted}`);
  const chat = { thread: { lines: [message(1), message(2, { from_user: "alice" }), message(3, { deleted: true, message: null })], newer: false }, isDirect: false, fate: () => "stored" };
  const more = (isModerator) => itemsOf(chat, [], "alice", isModerator).filter(({ kind }) => kind === "line").map(({ look }) => look.hasMore);
  assert.deepEqual(more(false), [false, true, false]);
  assert.deepEqual(more(true), [true, true, false]);
});

test("what a moderator asks for, and the message of the day", async () => {
  const world = new World();
  const { throng } = world.client();
  const days = [];
  throng.addEventListener("motd", ({ detail }) => days.push(detail));
  throng.start();
  await world.welcome({ moderator: true, motd: "be kind" });
  assert.ok(throng.moderation.isAllowed);
  const push = (frame) => world.socket.onmessage({ data: JSON.stringify(frame) });
  push({ t: "motd", motd: null });
  assert.deepEqual([days, throng.moderation.motd], [["be kind", null], null]);
  const asked = [throng.moderation.act("mute", "bob", { reason: "spam", forMs: 60_000 }), throng.moderation.act("kick", "bob"), throng.moderation.delete("room:all", 5)];
  await settled();
  const frames = world.socket.frames.slice(-3).map(({ id, ...frame }) => frame);
  assert.deepEqual(frames, [{ t: "mute", nick: "bob", for_ms: 60_000, reason: "spam" }, { t: "kick", nick: "bob" }, { t: "delete", conv: "room:all", seq: 5 }]);
  const [mute, kick, del] = world.socket.frames.slice(-3);
  push({ t: "done", id: mute.id });
  push({ t: "done", id: kick.id });
  push({ t: "err", id: del.id, code: 404, message: "no such message" });
  const ends = await Promise.allSettled(asked);
  assert.deepEqual(ends.map(({ status }) => status), ["fulfilled", "fulfilled", "rejected"]);
});

test("why one was sent away, or is not heard, in words", () => {
  assert.match(explain(en, { kind: "closed", code: 4503, detail: "you are banned: spam" }), /you are banned: spam/);
  assert.equal(explain(en, { kind: "closed", code: 4503, detail: "" }), en.closeCodes[4503]);
  assert.equal(explainError(en, { code: 403, message: "you are muted for 9s more" }), "you are muted for 9s more");
});
