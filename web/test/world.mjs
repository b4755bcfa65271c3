import { Throng } from "../client/js/throng/throng.js";

/** A storage that lasts as long as the test. */
export class Memory {
  #values = new Map();
  getItem = (key) => this.#values.get(key) ?? null;
  setItem = (key, value) => this.#values.set(key, String(value));
}

/** A world in which sockets do as they are told and time goes on when it is told to. */
export class World {
  now = 50_000;
  random = 0.5;
  sockets = [];
  asked = [];
  answer = () => new Response("", { status: 426 });
  #timers = [];

  /** A client in this world, and what it told of. */
  client({ nick = "alice", storage = new Memory(), patient = false, token } = {}) {
    const throng = new Throng({ address: "https://host/", nick, storage, patient, token, around: this.#around() });
    const told = { states: [], messages: [], resets: [], stored: [], faults: [], presence: [], typing: [], read: [], recv: [] };
    const names = { state: "states", message: "messages", reset: "resets", fault: "faults" };
    for (const type of ["state", "message", "reset", "stored", "fault", "presence", "typing", "read", "recv"]) {
      throng.addEventListener(type, ({ detail }) => told[names[type] ?? type].push(detail));
    }
    return { throng, told, storage };
  }

  #around() {
    return {
      socket: (url, protocol) => this.#socket(url, protocol),
      ask: async (url) => (this.asked.push(url), this.answer()),
      after: (run, ms) => {
        const timer = { run, at: this.now + ms };
        this.#timers.push(timer);
        return timer;
      },
      cancel: (timer) => (this.#timers = this.#timers.filter((it) => it !== timer)),
      now: () => this.now,
      random: () => this.random,
    };
  }

  #socket(url, protocol) {
    const socket = {
      url,
      protocol,
      readyState: 0,
      frames: [],
      batches: 0,
      send(text) {
        this.batches++;
        this.frames.push(...text.split("\n").map((line) => JSON.parse(line)));
      },
      close() {
        this.readyState = 3;
      },
      opens() {
        this.readyState = 1;
        this.onopen?.();
      },
      says(...frames) {
        this.onmessage?.({ data: frames.map((frame) => JSON.stringify(frame)).join("\n") });
      },
      closes(code, reason = "") {
        this.readyState = 3;
        this.onclose?.({ code, reason });
      },
      /** The last frame of a kind that was sent. */
      last(t) {
        return this.frames.findLast((frame) => frame.t === t);
      },
    };
    this.sockets.push(socket);
    return socket;
  }

  get socket() {
    return this.sockets.at(-1);
  }

  /** How long until the next thing is due. */
  get wait() {
    return Math.min(...this.#timers.map(({ at }) => at)) - this.now;
  }

  /** Let time pass, and everything happen that is due in it. */
  async pass(ms) {
    const end = this.now + ms;
    for (;;) {
      await settled();
      const [next] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers = this.#timers.filter((it) => it !== next);
      this.now = next.at;
      next.run();
    }
    this.now = end;
    await settled();
  }

  /** Open the latest socket and welcome it. */
  async welcome(more = {}) {
    this.socket.opens();
    this.socket.says({ t: "welcome", nick: "alice", resume: "secret", epoch: "e1", online: 1, ping_s: 25, recovered: {}, ...more });
    await settled();
  }
}

/** All promises that can go on have gone on. */
export const settled = () => new Promise(setImmediate);

/** A pushed message. */
export const push = (seq, prev, more = {}) => ({
  t: "msg", conv: "room:all", seq, prev, epoch: "e1", ts: 1, mid: `m${seq}`, from_user: "bob", message: `text ${seq}`, ...more,
});
