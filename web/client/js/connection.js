// @ts-check
import { Backoff } from "./backoff.js";
import { closeRule, retryAfterMs } from "./codes.js";

/**
 * Why there is no connection. `kind` is what a person can do something about:
 * "closed" (see `code`), "unreachable" (no answer), "busy" (the nick seems to be in use),
 * "nick" (refused by its look), "denied" (not allowed), "full" (no room at present),
 * "odd" (an answer that none of these explains).
 * @typedef {object} Why
 * @property {"closed" | "unreachable" | "busy" | "nick" | "denied" | "full" | "odd"} kind
 * @property {number} code the close code, or the HTTP status, or 0
 * @property {string} detail the server's own words, "" when it said none
 */

/**
 * @typedef {{ name: "connecting" }
 *   | { name: "online", again: boolean }
 *   | { name: "waiting", until: number, why: Why }
 *   | { name: "stopped", why: Why | null }} State
 * `until` is in milliseconds since 1970; `again` is true for all but the first time;
 * a stop without a reason was asked for.
 */

/**
 * What the connection takes from its surroundings; tests give their own.
 * @typedef {object} Surroundings
 * @property {(url: string) => WebSocket} socket
 * @property {(url: string) => Promise<Response>} ask a plain GET that gives up after a while
 * @property {(run: () => void, ms: number) => number} after
 * @property {(timer: number) => void} cancel
 * @property {() => number} now milliseconds since 1970
 * @property {Backoff} backoff
 */

/** A handshake that takes longer than this has failed. */
const HANDSHAKE_MS = 10_000;
/** A connection that lasted this long was good: the next wait is short again. */
const GOOD_AFTER_MS = 10_000;

/** @returns {Surroundings} */
function browser() {
  return {
    socket: (url) => new WebSocket(url),
    ask: (url) => fetch(url, { cache: "no-store", signal: AbortSignal.timeout(HANDSHAKE_MS) }),
    after: (run, ms) => setTimeout(run, ms),
    cancel: (timer) => clearTimeout(timer),
    now: () => Date.now(),
    backoff: new Backoff(),
  };
}

/**
 * One chat socket that comes back by itself. It knows no dialect: it carries text
 * frames. The first connect is different from the later ones: when it is refused,
 * somebody is looking at a form and can choose better, so it stops and says why.
 */
export class Connection {
  #address;
  #onState;
  #onFrame;
  #around;
  /** @type {WebSocket | null} */
  #socket = null;
  #timer = 0;
  #wasOnline = false;
  #onlineSince = 0;
  /** @type {State} */
  #state = { name: "stopped", why: null };

  /**
   * @param {object} options
   * @param {string} options.address of the chat socket, as http(s)
   * @param {(state: State) => void} options.onState
   * @param {(frame: string) => void} options.onFrame
   * @param {Surroundings} [around]
   */
  constructor({ address, onState, onFrame }, around = browser()) {
    this.#address = address;
    this.#onState = onState;
    this.#onFrame = onFrame;
    this.#around = around;
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
   * Hand a frame to the socket. False when there is none to take it; true does not
   * promise that it arrives.
   * @param {string} frame
   */
  send(frame) {
    if (this.#state.name !== "online" || this.#socket?.readyState !== 1) return false;
    this.#socket.send(frame);
    return true;
  }

  #connect() {
    this.#drop();
    this.#become({ name: "connecting" });
    const socket = this.#around.socket(this.#address.replace(/^http/, "ws"));
    this.#socket = socket;
    this.#timer = this.#around.after(() => socket.close(), HANDSHAKE_MS);
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.#around.cancel(this.#timer);
      this.#onlineSince = this.#around.now();
      const again = this.#wasOnline;
      this.#wasOnline = true;
      this.#become({ name: "online", again });
    };
    socket.onmessage = (event) => {
      if (typeof event.data === "string") this.#onFrame(event.data);
    };
    socket.onclose = (event) => {
      this.#around.cancel(this.#timer);
      if (opened) this.#closed(event.code, event.reason);
      else this.#refused(socket);
    };
  }

  /**
   * @param {number} code
   * @param {string} detail
   */
  #closed(code, detail) {
    if (this.#around.now() - this.#onlineSince >= GOOD_AFTER_MS) this.#around.backoff.reset();
    const rule = closeRule(code);
    this.#comeBack({ kind: "closed", code, detail }, rule.again, rule.floorMs);
  }

  /**
   * A page cannot read the status of a failed handshake, so the same address is asked
   * as a plain request, which the server answers with the same refusal.
   * @param {WebSocket} socket the one that was refused
   */
  async #refused(socket) {
    const { why, floorMs } = await this.#explain();
    if (this.#socket !== socket) return; // stopped, or started anew, meanwhile
    const passing = why.kind !== "nick" && why.kind !== "denied";
    this.#comeBack(why, passing && this.#wasOnline, floorMs);
  }

  /** @returns {Promise<{ why: Why, floorMs: number }>} */
  async #explain() {
    try {
      const response = await this.#around.ask(this.#address);
      const code = response.status;
      // A reason is one line; a proxy's error page is not a reason.
      const text = (await response.text()).trim();
      const detail = text.length <= 200 && !text.includes("\n") && !text.startsWith("<") ? text : "";
      const floorMs = retryAfterMs(response.headers.get("Retry-After"));
      return { why: { kind: refusal(code), code, detail }, floorMs };
    } catch {
      return { why: { kind: "unreachable", code: 0, detail: "" }, floorMs: 0 };
    }
  }

  /**
   * @param {Why} why
   * @param {boolean} again
   * @param {number} floorMs
   */
  #comeBack(why, again, floorMs) {
    this.#socket = null;
    if (!again) {
      this.#become({ name: "stopped", why });
      return;
    }
    const ms = this.#around.backoff.next(floorMs);
    this.#timer = this.#around.after(() => this.#connect(), ms);
    this.#become({ name: "waiting", until: this.#around.now() + ms, why });
  }

  /** Forget socket and timer; neither is heard of again. */
  #drop() {
    this.#around.cancel(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** @param {State} state */
  #become(state) {
    this.#state = state;
    this.#onState(state);
  }
}

/**
 * What a refusal of the chat address means. 426, "this wants a WebSocket", says that
 * the address is fine: what failed was to claim the nick.
 * @param {number} status
 * @returns {Why["kind"]}
 */
function refusal(status) {
  switch (status) {
    case 400:
      return "nick";
    case 401:
    case 403:
      return "denied";
    case 409:
    case 426:
      return "busy";
    case 429:
    case 503:
      return "full";
    default:
      return "odd";
  }
}
