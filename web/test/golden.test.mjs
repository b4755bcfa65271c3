import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { decode } from "../client/js/throng/frames.js";
import { World, settled } from "./world.mjs";

/** What the server's own tests hold its frames to. */
const golden = JSON.parse(await readFile(new URL("../../room/event/testdata/v2.json", import.meta.url), "utf8"));

test("every frame of the server can be read", () => {
  for (const { name, write, text } of golden.out) {
    const [frame, ...more] = decode(text);
    assert.deepEqual(more, [], name);
    assert.equal(typeof frame.t, "string", name);
    if (write === "msg") assert.deepEqual([typeof frame.conv, typeof frame.seq, typeof frame.from_user], ["string", "number", "string"], name);
  }
});

test("every frame of the server is taken, and what is pushed is told", async () => {
  const world = new World();
  const { throng, told } = world.client();
  throng.start();
  await world.welcome();
  for (const { text } of golden.out) {
    world.socket.onmessage({ data: text });
    await settled();
  }
  assert.equal(throng.state.name, "online");
  const changes = golden.out.filter(({ text }) => /"t":"presence".*"joined"/.test(text));
  assert.equal(told.presence.length, 1 + changes.length); // and the welcome's count
  for (const type of ["typing", "recv", "read"]) assert.ok(told[type].every(({ conv, from }) => conv && from), type);
  assert.ok(told.typing.length && told.recv.length && told.read.length && told.messages.length && told.faults.length);
});

test("every frame of the client is one that the server's tests know", async () => {
  const known = new Map(golden.in.filter(({ got }) => !got[0].error).map(({ got: [{ t }], frame }) => [t, frame]));
  const world = new World();
  const { throng } = world.client();
  throng.start();
  await world.welcome();
  throng.say("dm:bob", "x");
  throng.typing("room:go");
  throng.read("dm:bob", 1);
  const asked = [throng.join("go"), throng.leave("go"), throng.history("dm:bob"), throng.presence("all"), throng.ping()];
  asked.forEach((answer) => answer.catch(() => {}));
  await world.pass(200);
  for (const { t } of world.socket.frames) assert.ok(known.has(t), t);
});
