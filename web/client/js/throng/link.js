// @ts-check
import { Backoff } from "./backoff.js";
import { SUBPROTOCOL, reconnects } from "../codes.gen.js";
import { decode, encode } from "./frames.js";

/** @typedef {import("./frames.js").Frame} Frame */

/**
 * Why there is no connection. `kind` is what a person can do something about: "closed" (see `code`), "unreachable" (no
 * answer), "token" (none was to be had), "silent" (connected, but no welcome), "dialect" (the server does not speak this protocol), "denied" (not allowed), "full" (no room at
 * present), "odd" (an answer that none of these explains).
 * @typedef {object} Why
 * @property {"closed" | "unreachable" | "token" | "silent" | "dialect" | "denied" | "full" | "odd"} kind
 * @property {number} code the close code, or the HTTP status, or 0
 * @property {string} detail the server's own words, "" when it said none
 */

/**
 * @typedef {{ name: "connecting" }
 *   | { name: "online", again: boolean }
 *   | { name: "waiting", until: number, why: Why }
 *   | { name: "stopped", why: Why | null }} State
 * `until` is in milliseconds since 1970; `again` is true for all but the first time; a stop without a reason was asked for.
 */

/**
 * What the library takes from its surroundings; tests give their own.
 * @typedef {object} Surroundings
 * @property {(url: string, protocol: string) => WebSocket} socket
 * @property {(url: string) => Promise<Response>} ask a plain GET that gives up after a while
 * @property {(run: () => void, ms: number) => any} after
 * @property {(timer: any) => void} cancel
 * @property {() => number} now milliseconds since 1970
 * @property {() => number} random from 0 up to, not including, 1
 */

/** From the call of the socket to the welcome, in milliseconds. */
const WELCOME_MS = 10_000;
/** A connection that lasted this long was good: the next wait is short again. */
const GOOD_AFTER_MS = 10_000;
/** How long a pong may take, in milliseconds. */
const PONG_MS = 10_000;
/** No server may ask for a longer wait than this: 5 minutes in milliseconds. */
const LONGEST_FLOOR_MS = 300_000;

/** @returns {Surroundings} */
export function browser() {
  return {
    socket: (url, protocol) => new WebSocket(url, protocol),
    ask: (url) => fetch(url, { cache: "no-store", signal: AbortSignal.timeout(WELCOME_MS) }),
    after: (run, ms) => setTimeout(run, ms),
    cancel: (timer) => clearTimeout(timer),
    now: () => Date.now(),
    random: () => Math.random(),
  };
}

/**
 * One socket that comes back by itself. It carries frames, greets, and watches that the other side lives.
 *
 * The first connect is different from the later ones unless it is `patient`: when it fails, somebody is looking at
 * a form and can choose better, so it stops and says why.
 */
export class Link {
  #options;
  #around;
  #backoff;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {any} the next thing due: a try, the welcome, a ping or its pong */
  #timer = null;
  #wasOnline = false;
  #onlineSince = 0;
  #pingMs = 25_000;
  /** The most bytes of a frame; the welcome says it. */
  #limit = Infinity;
  /** The server asked for no try before this time. */
  #notBefore = 0;
  /** What the server said of the hello. */
  #detail = "";
  #heard = false;
  /** @type {Frame[]} */
  #leaving = [];
  /** @type {State} */
  #state = { name: "stopped", why: null };

  /**
   * @param {object} options
   * @param {string} options.address of the chat socket, as http(s) or ws(s)
   * @param {boolean} options.patient whether the first connect comes back, too
   * @param {(send: (frame: Frame) => void, fail: (why: Error) => void) => void} options.hello sends the first frame of each
   *   connection, now or soon, or says why there is none
   * @param {(state: State) => void} options.onState
   * @param {(frame: Frame) => void} options.onFrame the welcome is one of them, and comes before onState's "online"
   * @param {Surroundings} around
   */
  constructor(options, around) {
    this.#options = options;
    this.#around = around;
    this.#backoff = new Backoff({ random: around.random });
  }

  get state() {
    return this.#state;
  }

  /** Connect now, whatever was being waited for. Nothing happens while connected or connecting. */
  start() {
    if (this.#state.name === "connecting" || this.#state.name === "online") return;
    this.#connect();
  }

  /** Close for good, until start is called. */
  stop() {
    this.#drop();
    this.#become({ name: "stopped", why: null });
  }

  /**
   * Send a frame with all others of this turn. False when there is no connection; true does not promise that it arrives.
   * @param {Frame} frame
   */
  send(frame) {
    if (this.#state.name !== "online" || this.#socket?.readyState !== 1) return false;
    if (this.#leaving.push(frame) === 1) queueMicrotask(() => this.#flush());
    return true;
  }

  #flush() {
    const frames = this.#leaving;
    this.#leaving = [];
    if (this.#socket?.readyState !== 1) return;
    for (const batch of encode(frames, this.#limit)) this.#socket.send(batch);
  }

  #connect() {
    this.#drop();
    this.#become({ name: "connecting" });
    const socket = this.#around.socket(this.#options.address.replace(/^http/, "ws"), SUBPROTOCOL);
    this.#socket = socket;
    this.#notBefore = 0;
    this.#detail = "";
    let opened = false;
    this.#timer = this.#around.after(() => {
      if (opened) this.#lost({ kind: "silent", code: 0, detail: "" });
      else this.#refused(socket);
    }, WELCOME_MS);
    socket.onopen = () => {
      opened = true;
      if (socket.protocol !== SUBPROTOCOL) this.#halt({ kind: "dialect", code: 0, detail: "" });
      else this.#greet(socket);
    };
    socket.onmessage = ({ data }) => {
      if (typeof data !== "string") return;
      this.#heard = true;
      for (const frame of decode(data)) {
        if (this.#socket !== socket) return; // a frame before made an end of it
        this.#take(frame);
      }
    };
    socket.onclose = ({ code, reason }) => {
      if (opened) this.#lost({ kind: "closed", code, detail: reason || this.#detail });
      else this.#refused(socket);
    };
  }

  /** @param {WebSocket} socket */
  #greet(socket) {
    this.#options.hello(
      (frame) => {
        if (this.#socket === socket) socket.send(JSON.stringify(frame));
      },
      ({ message }) => {
        if (this.#socket === socket) this.#lost({ kind: "token", code: 0, detail: message });
      },
    );
  }

  /** @param {Frame} frame */
  #take(frame) {
    if (frame.t === "bye" || frame.t === "err") {
      const ms = Math.min(Number(frame.retry_after_ms) || 0, LONGEST_FLOOR_MS);
      this.#notBefore = this.#around.now() + ms;
      if (this.#state.name === "connecting") this.#detail = String(frame.message ?? "");
    }
    if (frame.t === "welcome" && this.#state.name === "connecting") this.#welcomed(frame);
    else this.#options.onFrame(frame);
  }

  /** @param {Frame} frame */
  #welcomed(frame) {
    this.#around.cancel(this.#timer);
    this.#onlineSince = this.#around.now();
    this.#pingMs = (Number(frame.ping_s) || 25) * 1000;
    this.#limit = Number(frame.limits?.max_message) || Infinity;
    this.#watch();
    const again = this.#wasOnline;
    this.#wasOnline = true;
    this.#state = { name: "online", again };
    this.#options.onFrame(frame); // who reads the welcome may send already
    if (this.#state.name === "online") this.#become(this.#state);
  }

  /** Ask for a sign of life when there was none for a while: a page is not shown the socket's own pings. */
  #watch() {
    this.#heard = false;
    this.#timer = this.#around.after(() => {
      if (this.#heard) return this.#watch();
      this.send({ t: "ping", id: "ping" });
      this.#timer = this.#around.after(() => {
        if (this.#heard) this.#watch();
        else this.#lost({ kind: "silent", code: 0, detail: "" });
      }, PONG_MS);
    }, this.#pingMs);
  }

  /**
   * The connection came to its end.
   * @param {Why} why
   */
  #lost(why) {
    const lasted = this.#state.name === "online" && this.#around.now() - this.#onlineSince >= GOOD_AFTER_MS;
    if (lasted) this.#backoff.reset();
    const again = this.#wasOnline || this.#options.patient;
    if (again && (why.kind !== "closed" || reconnects(why.code))) this.#wait(why);
    else this.#halt(why);
  }

  /**
   * A page cannot read the status of a failed handshake. Where somebody waits to know, the same address is asked as a
   * plain request, which the server answers as it would a client without this protocol.
   * @param {WebSocket} socket the one that was refused
   */
  async #refused(socket) {
    if (this.#wasOnline || this.#options.patient) {
      this.#wait({ kind: "unreachable", code: 0, detail: "" });
      return;
    }
    this.#around.cancel(this.#timer);
    const why = await this.#explain();
    if (this.#socket === socket) this.#halt(why); // else stopped, or started anew, meanwhile
  }

  /** @returns {Promise<Why>} */
  async #explain() {
    try {
      const response = await this.#around.ask(this.#options.address.replace(/^ws/, "http"));
      // A reason is one line; a proxy's error page is not a reason.
      const text = (await response.text()).trim();
      const detail = text.length <= 200 && !text.includes("\n") && !text.startsWith("<") ? text : "";
      return { kind: refusal(response.status), code: response.status, detail };
    } catch {
      return { kind: "unreachable", code: 0, detail: "" };
    }
  }

  /** @param {Why} why */
  #wait(why) {
    this.#drop();
    const ms = this.#backoff.next(Math.max(0, this.#notBefore - this.#around.now()));
    this.#timer = this.#around.after(() => this.#connect(), ms);
    this.#become({ name: "waiting", until: this.#around.now() + ms, why });
  }

  /** @param {Why} why */
  #halt(why) {
    this.#drop();
    this.#become({ name: "stopped", why });
  }

  /** Forget socket and timer; neither is heard of again. */
  #drop() {
    this.#around.cancel(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    this.#leaving = [];
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** @param {State} state */
  #become(state) {
    this.#state = state;
    this.#options.onState(state);
  }
}

/**
 * What the answer to a plain request for the chat address means. 426, "this wants a WebSocket", says that the address is
 * fine: what failed was to agree on the protocol.
 * @param {number} status
 * @returns {Why["kind"]}
 */
function refusal(status) {
  switch (status) {
    case 400:
    case 401:
    case 403:
      return "denied";
    case 404:
    case 409:
    case 426:
      return "dialect";
    case 429:
    case 503:
      return "full";
    default:
      return "odd";
  }
}
