import assert from "node:assert/strict";
import { test } from "node:test";
import { World, settled } from "./world.mjs";

const hour = 3600_000;

/** A client whose tokens are numbered, online with the first, which lasts an hour. */
async function online() {
  const world = new World();
  let n = 0;
  const it = { world, asked: 0, next: () => `token ${++n}` };
  Object.assign(it, world.client({ token: async () => (it.asked++, it.next()) }));
  await enter(it, hour);
  return it;
}

/** Come in, with a token that lasts so long, in milliseconds. */
async function enter({ world, throng }, ms) {
  throng.start();
  world.socket.opens();
  await settled();
  world.socket.says({ t: "welcome", nick: "alice", epoch: "e1", ping_s: 25, recovered: {}, expires: world.now + ms });
  await settled();
}

/** The tokens that were shown on a socket. */
const shown = (socket) => socket.frames.filter(({ t }) => t === "hello").map(({ token }) => token);

/** Answer the last hello. */
async function answer({ world }, more) {
  world.socket.says({ id: world.socket.last("hello").id, ...more });
  await settled();
}

/** Let time pass on a connection that lives. */
async function live({ world }, ms) {
  for (let end = world.now + ms; world.now < end; ) {
    await world.pass(Math.min(20_000, end - world.now));
    world.socket.says({ t: "pong", id: "ping" });
  }
}

test("a token that is a text is shown with each hello", async () => {
  const world = new World();
  const { throng } = world.client({ token: "secret" });
  await enter({ world, throng }, 10_000);
  assert.deepEqual(shown(world.socket), ["secret"]);
  await live({ world }, 20_000);
  assert.deepEqual(shown(world.socket), ["secret"]);
  world.socket.closes(1006);
  await world.pass(world.wait);
  world.socket.opens();
  assert.deepEqual(shown(world.socket), ["secret"]);
});

test("a function is asked before each hello", async () => {
  const it = await online();
  assert.deepEqual(shown(it.world.socket), ["token 1"]);
  it.world.socket.closes(1006);
  await it.world.pass(it.world.wait);
  it.world.socket.opens();
  await settled();
  assert.deepEqual(shown(it.world.socket), ["token 2"]);
});

test("before a token ends a fresh one is shown on the same connection", async () => {
  const it = await online();
  const { world, throng, told } = it;
  const hellos = () => shown(world.socket);
  await live(it, hour - 61_000);
  assert.deepEqual(hellos(), ["token 1"]);
  await live(it, 1_000);
  await settled();
  assert.deepEqual(hellos(), ["token 1", "token 2"]);
  await answer(it, { t: "welcome", expires: world.now + hour, moderator: true });
  assert.equal(throng.moderation.isAllowed, true);
  await live(it, hour - 60_000);
  await settled();
  assert.deepEqual(hellos(), ["token 1", "token 2", "token 3"]);
  assert.equal(world.sockets.length, 1);
  assert.deepEqual(told.states.map(({ name }) => name), ["connecting", "online"]);
});

test("where there is no fresh token, or it is refused, it is tried again, not too often", async () => {
  const it = await online();
  const { world, throng } = it;
  it.next = () => "token 1";
  await live(it, hour);
  assert.deepEqual(shown(world.socket), ["token 1"]);
  assert.ok(it.asked > 3 && it.asked < 20, String(it.asked));
  it.next = () => { throw new Error("nobody answers"); };
  await live(it, 10_000);
  it.next = () => "forged";
  const renewed = assert.rejects(throng.renew(), { code: 401, message: "no" });
  await settled();
  await answer(it, { t: "err", code: 401, message: "no" });
  await renewed;
  assert.equal(throng.state.name, "online");
});

test("an end beyond what a timer can wait for is no end at once", async () => {
  const world = new World();
  let asked = 0;
  const { throng } = world.client({ token: () => String(++asked) });
  await enter({ world, throng }, 100 * 24 * hour);
  await live({ world }, hour);
  assert.equal(asked, 1);
});

test("no token to be had: the first connect says so, a later one is tried again", async () => {
  const world = new World();
  const { throng } = world.client({ token: () => Promise.reject(new Error("log in")) });
  throng.start();
  world.socket.opens();
  await settled();
  assert.deepEqual(throng.state, { name: "stopped", why: { kind: "token", code: 0, detail: "log in" } });

  const it = await online();
  it.next = () => { throw new Error("nobody answers"); };
  it.world.socket.closes(1006);
  await it.world.pass(it.world.wait);
  it.world.socket.opens();
  await settled();
  assert.equal(it.throng.state.name, "waiting");
  await it.world.pass(20 * 60_000);
  assert.ok(it.asked < 4, String(it.asked)); // nothing is asked where there is no connection
});

test("a token that comes too late is shown to nobody", async () => {
  const world = new World();
  let give;
  const { throng } = world.client({ token: () => new Promise((resolve) => (give = resolve)) });
  throng.start();
  const { socket } = world;
  socket.opens();
  await settled();
  throng.stop();
  give("secret");
  await settled();
  assert.deepEqual(socket.frames, []);
});

test("what the server says of a token is passed on, and ends it", async () => {
  const it = await online();
  it.world.socket.says({ t: "err", code: 401, message: "the token has expired" });
  it.world.socket.closes(4501, "the token has expired");
  assert.deepEqual(it.throng.state, { name: "stopped", why: { kind: "closed", code: 4501, detail: "the token has expired" } });
});
