import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../client/js/backoff.js";
import { Connection } from "../client/js/connection.js";

/** A world in which sockets do as they are told and time stands still. */
function world({ answer = () => reply(426) } = {}) {
  const it = { sockets: [], asked: [], timers: new Map(), states: [], frames: [], now: 50_000 };
  const around = {
    socket(url) {
      const socket = {
        url, sent: [], readyState: 0,
        send: (data) => socket.sent.push(data),
        close: () => { socket.readyState = 3; },
        opens: () => { socket.readyState = 1; socket.onopen?.(); },
        says: (data) => socket.onmessage?.({ data }),
        closes: (code, reason = "") => { socket.readyState = 3; socket.onclose?.({ code, reason }); },
      };
      it.sockets.push(socket);
      return socket;
    },
    ask: async (url) => { it.asked.push(url); return answer(); },
    after: (run, ms) => { const id = it.timers.size + 1; it.timers.set(id, { run, ms }); return id; },
    cancel: (id) => it.timers.get(id) && it.timers.set(id, null),
    now: () => it.now,
    backoff: new Backoff({ random: () => 0.5 }),
  };
  it.connection = new Connection({
    address: "https://host/conn/ws/alice",
    onState: (state) => it.states.push(state),
    onFrame: (frame) => it.frames.push(frame),
  }, around);
  it.names = () => it.states.map(({ name }) => name);
  it.last = () => it.states.at(-1);
  it.socket = () => it.sockets.at(-1);
  it.pending = () => [...it.timers.values()].filter(Boolean);
  it.settled = () => new Promise(setImmediate);
  return it;
}

const reply = (status, text = "", headers = {}) => new Response(text, { status, headers });

test("connect, talk, stop", () => {
  const it = world();
  assert.equal(it.connection.send("early"), false);
  it.connection.start();
  it.connection.start();
  assert.equal(it.sockets.length, 1);
  assert.equal(it.socket().url, "wss://host/conn/ws/alice");
  assert.equal(it.connection.send("early"), false);
  it.socket().opens();
  assert.equal(it.connection.send("hi"), true);
  assert.deepEqual(it.socket().sent, ["hi"]);
  it.socket().says("yo");
  it.socket().says(new ArrayBuffer(2));
  assert.deepEqual(it.frames, ["yo"]);
  it.connection.stop();
  assert.equal(it.socket().readyState, 3);
  assert.equal(it.connection.send("late"), false);
  assert.deepEqual(it.names(), ["connecting", "online", "stopped"]);
  assert.equal(it.last().why, null);
  assert.deepEqual(it.pending(), []);
});

test("a socket that is closing takes nothing", () => {
  const it = world();
  it.connection.start();
  it.socket().opens();
  it.socket().readyState = 2;
  assert.equal(it.connection.send("hi"), false);
});

test("it comes back, waiting longer each time", async () => {
  const it = world({ answer: () => { throw new TypeError("no network"); } });
  it.connection.start();
  it.socket().opens();
  it.socket().closes(1006);
  assert.deepEqual(it.last(), { name: "waiting", until: 50_500, why: { kind: "closed", code: 1006, detail: "" } });
  const waits = [];
  for (let i = 0; i < 6; i++) {
    const [{ run, ms }] = it.pending();
    waits.push(ms);
    it.timers.clear();
    run();
    it.socket().closes(1006);
    await it.settled();
    assert.equal(it.last().why.kind, "unreachable");
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 7500, 7500]);
  it.connection.start();
  it.socket().opens();
  assert.deepEqual(it.last(), { name: "online", again: true });
});

test("a connection that lasted starts the back-off anew; a short one does not", () => {
  const it = world();
  const wait = (lastedMs) => {
    it.connection.start();
    it.socket().opens();
    it.now += lastedMs;
    it.socket().closes(1006);
    return it.last().until - it.now;
  };
  assert.deepEqual([wait(0), wait(9_999), wait(10_000), wait(0)], [500, 1000, 500, 1000]);
});

test("close codes are obeyed", () => {
  for (const [code, name, ms] of [[1001, "waiting", 500], [4001, "waiting", 1500], [4053, "waiting", 3500], [4510, "stopped"]]) {
    const it = world();
    it.connection.start();
    it.socket().opens();
    it.socket().closes(code, "why");
    assert.equal(it.last().name, name, String(code));
    assert.deepEqual(it.last().why, { kind: "closed", code, detail: "why" });
    assert.deepEqual(it.pending().map((timer) => timer.ms), ms === undefined ? [] : [ms]);
  }
});

test("a refused first connect stops and says why", async () => {
  const long = "x".repeat(500);
  const cases = [
    [() => reply(426), "busy", 426, ""],
    [() => reply(409, "nick in use\n"), "busy", 409, "nick in use"],
    [() => reply(400, "nick is reserved\n"), "nick", 400, "nick is reserved"],
    [() => reply(401), "denied", 401, ""],
    [() => reply(403, "<html>forbidden</html>"), "denied", 403, ""],
    [() => reply(429), "full", 429, ""],
    [() => reply(503, long), "full", 503, ""],
    [() => reply(404), "odd", 404, ""],
    [() => reply(200, "two\nlines"), "odd", 200, ""],
    [() => { throw new TypeError("no network"); }, "unreachable", 0, ""],
  ];
  for (const [answer, kind, code, detail] of cases) {
    const it = world({ answer });
    it.connection.start();
    it.socket().closes(1006);
    await it.settled();
    assert.deepEqual(it.asked, ["https://host/conn/ws/alice"]);
    assert.deepEqual(it.last(), { name: "stopped", why: { kind, code, detail } });
    assert.deepEqual(it.pending(), []);
  }
});

test("a refusal later is waited out, unless it will not pass", async () => {
  const cases = [
    [() => reply(426), "waiting", 1000],
    [() => reply(503, "", { "Retry-After": "20" }), "waiting", 21_000],
    [() => reply(400, "bad"), "stopped"],
    [() => reply(403), "stopped"],
  ];
  for (const [answer, name, ms] of cases) {
    const it = world({ answer });
    it.connection.start();
    it.socket().opens();
    it.socket().closes(1006);
    it.connection.start();
    it.socket().closes(1006);
    await it.settled();
    assert.equal(it.last().name, name);
    assert.deepEqual(it.pending().map((timer) => timer.ms), ms === undefined ? [] : [ms]);
  }
});

test("a handshake that hangs is given up", async () => {
  const it = world();
  it.connection.start();
  const [{ run, ms }] = it.pending();
  assert.equal(ms, 10_000);
  run();
  assert.equal(it.socket().readyState, 3);
});

test("nothing is heard of what was stopped", async () => {
  const it = world();
  it.connection.start();
  const first = it.socket();
  first.closes(1006); // asks why …
  it.connection.stop(); // … but is not wanted any more
  await it.settled();
  first.opens();
  first.closes(4001);
  assert.deepEqual(it.names(), ["connecting", "stopped"]);
  it.connection.start();
  it.socket().opens();
  assert.deepEqual(it.last(), { name: "online", again: false });
});
