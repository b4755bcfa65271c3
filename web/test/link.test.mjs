import assert from "node:assert/strict";
import { test } from "node:test";
import { World, push, settled } from "./world.mjs";

test("connect, hello, welcome, talk, stop", async () => {
  const world = new World();
  const { throng, told } = world.client();
  throng.start();
  throng.start();
  assert.equal(world.sockets.length, 1);
  assert.equal(world.socket.url, "wss://host/conn/ws/alice");
  assert.equal(world.socket.protocol, "throng.v2.json");
  world.socket.opens();
  assert.deepEqual(world.socket.frames, [{ t: "hello", id: "hello", pos: {} }]);
  world.socket.says({ t: "welcome", nick: "Alice", resume: "secret", epoch: "e1", ping_s: 25 }, push(1, 0));
  assert.equal(throng.nick, "Alice");
  assert.deepEqual(told.messages.map(({ seq }) => seq), [1]);
  throng.stop();
  assert.equal(world.socket.readyState, 3);
  assert.deepEqual(told.states.map(({ name }) => name), ["connecting", "online", "stopped"]);
  assert.equal(told.states.at(-1).why, null);
});

test("a server of another dialect is a clear error", async () => {
  const world = new World();
  const { throng, told } = world.client();
  throng.start();
  world.socket.protocol = "";
  world.socket.opens();
  assert.deepEqual(told.states.at(-1), { name: "stopped", why: { kind: "dialect", code: 0, detail: "" } });
  assert.deepEqual(world.socket.frames, []);

  // A browser fails such a handshake without a reason; a plain request tells it.
  throng.start();
  world.socket.closes(1006);
  await settled();
  assert.deepEqual(world.asked, ["https://host/conn/ws/alice"]);
  assert.equal(told.states.at(-1).why.kind, "dialect");
});

test("a first connect that fails says why and stops; a patient one goes on", async () => {
  for (const [answer, kind] of [
    [() => { throw new TypeError("no network"); }, "unreachable"],
    [() => new Response("too many", { status: 503 }), "full"],
    [() => new Response("no", { status: 403 }), "denied"],
    [() => new Response("<html>", { status: 502 }), "odd"],
  ]) {
    const world = new World();
    world.answer = answer;
    const { throng, told } = world.client();
    throng.start();
    world.socket.closes(1006);
    await settled();
    assert.equal(told.states.at(-1).name, "stopped");
    assert.equal(told.states.at(-1).why.kind, kind);
  }
  const world = new World();
  const { throng } = world.client({ patient: true });
  throng.start();
  world.socket.closes(1006);
  assert.equal(throng.state.name, "waiting");
  assert.deepEqual(world.asked, []);
});

test("it comes back, waiting longer each time, and shows the resume secret", async () => {
  const world = new World();
  const { throng, told } = world.client();
  throng.start();
  await world.welcome();
  world.socket.closes(1006);
  const waits = [];
  for (let i = 0; i < 6; i++) {
    waits.push(world.wait);
    await world.pass(world.wait);
    if (i < 5) world.socket.closes(1006);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 7500, 7500]);
  world.socket.opens();
  assert.equal(world.socket.frames[0].resume, "secret");
  await world.welcome();
  assert.deepEqual(told.states.at(-1), { name: "online", again: true });
});

test("a connection that lasted starts the back-off anew; a short one does not", async () => {
  const world = new World();
  const { throng } = world.client();
  const waits = [];
  for (const lasted of [0, 9_999, 10_000, 0]) {
    throng.start();
    await world.welcome();
    await world.pass(lasted);
    world.socket.closes(1006);
    waits.push(throng.state.until - world.now);
  }
  assert.deepEqual(waits, [500, 1000, 500, 1000]);
});

test("close codes and retry_after_ms are obeyed", async () => {
  for (const [code, retryAfter, name, wait] of [
    [1000, 0, "waiting", 500],
    [1001, 0, "waiting", 500],
    [1011, 0, "waiting", 500],
    [4001, 1830, "waiting", 2330],
    [4008, 0, "waiting", 500],
    [4029, 5000, "waiting", 5500],
    [4053, 9e9, "waiting", 300_500],
    [4499, 0, "waiting", 500],
    [4500, 0, "stopped"],
    [4501, 0, "stopped"],
    [4503, 0, "stopped"],
    [4509, 0, "stopped"],
    [4510, 0, "stopped"],
    [4999, 0, "stopped"],
  ]) {
    const world = new World();
    const { throng } = world.client();
    throng.start();
    await world.welcome();
    if (retryAfter) world.socket.says({ t: "bye", code, retry_after_ms: retryAfter });
    world.socket.closes(code, "why");
    assert.equal(throng.state.name, name, String(code));
    assert.deepEqual(throng.state.why, { kind: "closed", code, detail: "why" });
    if (wait) assert.equal(throng.state.until - world.now, wait, String(code));
  }
});

test("refusals of the nick reach whoever waits for the first connect", async () => {
  for (const code of [4500, 4509, 4053]) {
    const world = new World();
    const { throng } = world.client();
    throng.start();
    world.socket.opens();
    world.socket.says({ t: "err", id: "hello", code: 409, message: "in use", retry: false });
    world.socket.closes(code);
    assert.deepEqual(throng.state, { name: "stopped", why: { kind: "closed", code, detail: "in use" } });
  }
});

test("a silent connection is asked for a sign of life, and given up without one", async () => {
  const world = new World();
  const { throng } = world.client();
  throng.start();
  await world.welcome();
  await world.pass(24_000);
  world.socket.says(push(1, 0));
  await world.pass(25_999);
  assert.equal(world.socket.last("ping"), undefined);
  await world.pass(1);
  assert.ok(world.socket.last("ping"));
  world.socket.says({ t: "pong", id: "ping", ts: 1 });
  await world.pass(20_000);
  assert.equal(throng.state.name, "online");
  await world.pass(25_000);
  assert.equal(throng.state.name, "waiting");
  assert.equal(throng.state.why.kind, "silent");
});

test("no welcome is a failed connect", async () => {
  const world = new World();
  const { throng } = world.client({ patient: true });
  throng.start();
  world.socket.opens();
  await world.pass(10_000);
  assert.equal(throng.state.why.kind, "silent");
});

test("frames of one turn leave as one batch", async () => {
  const world = new World();
  const { throng } = world.client();
  throng.start();
  await world.welcome();
  const before = world.socket.batches;
  throng.say("room:all", "a");
  throng.say("dm:bob", "b");
  throng.typing("dm:bob");
  throng.presence("all").catch(() => {});
  await settled();
  assert.equal(world.socket.batches, before + 1);
  assert.equal(world.socket.frames.length, 5);
});
