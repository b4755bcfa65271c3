import assert from "node:assert/strict";
import { test } from "node:test";
import { Chats } from "../client/js/chat/chats.js";
import { Store } from "../client/js/throng/store.js";
import { Memory, World } from "./world.mjs";

test("a room hears who is writing in it, but for oneself: the server echoes one's own sign", async (t) => {
  const world = new World();
  const { throng, told } = world.client({ nick: "alice" });
  const chats = new Chats(throng, new Store(new Memory(), "alice"));
  t.after(() => chats.list.forEach((chat) => chat.typists.clear()));
  throng.start();
  await world.welcome({ nick: "Alice" });
  const typing = (conv, from_user) => world.socket.says({ t: "typing", conv, from_user });
  const room = chats.of("room:go");

  typing("room:go", "Alice");
  typing("room:all", "ALICE");
  assert.equal(told.typing.length, 2, "the library tells of it; it is the chat that knows better");
  assert.deepEqual([room.typists.nicks, chats.current.typists.nicks], [[], []]);

  typing("room:go", "bob");
  typing("room:GO", "alice");
  assert.deepEqual([room.typists.nicks, chats.current.typists.nicks], [["bob"], []]);
});
