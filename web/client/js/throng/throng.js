// @ts-check
import { Calls, refusal } from "./calls.js";
import { Conversations } from "./conversations.js";
import { listOf } from "./frames.js";
import { Link, browser } from "./link.js";
import { Moderation } from "./moderation.js";
import { convOf, isGreeted, partsOf } from "./names.js";
import { sameNick, socketAddress } from "./nick.js";
import { Pass } from "./pass.js";
import { Postman } from "./postman.js";
import { Receipts } from "./receipts.js";
import { Rooms } from "./rooms.js";
import { Store, lasting } from "./store.js";

export { CLOSE, ERR, LIMITS, SUBPROTOCOL, reconnects } from "../codes.gen.js";
export { ThrongError } from "./error.js";
export { EVERYONE, convKey, directConv, partsOf, roomConv } from "./names.js";
export { nickKey, sameNick, socketAddress } from "./nick.js";

/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {import("./link.js").State} State  @typedef {import("./link.js").Why} Why */
/** @typedef {import("./conversation.js").Message} Message  @typedef {import("./conversation.js").Page} Page */
/** @typedef {import("./outbox.js").Parcel} Parcel */
/** @typedef {import("./frames.js").Events} Events */

/**
 * A client of a Throng server, for one nick. It connects and comes back by itself, resumes, recovers what was missed,
 * keeps order, drops duplicates, and sends each message until it is acknowledged.
 *
 *     const throng = new Throng({ address: "wss://example.org", nick: "alice" });
 *     throng.addEventListener("message", ({ detail }) => console.log(detail.from_user, detail.message));
 *     throng.start();
 *     throng.say("room:all", "good morning");
 */
export class Throng extends EventTarget {
  #nick; // as the server shows it
  #pass;
  #store;
  #link;
  #calls;
  #receipts;
  #conversations;
  #rooms;
  #postman;
  /** @type {Frame | null} */
  #welcome = null;

  /**
   * @param {object} options
   * @param {string} options.address the server's, as http(s) or ws(s); the page's own is document.baseURI
   * @param {string} options.nick one that socketAddress can name
   * @param {import("./pass.js").Token} [options.token] a function is asked again before each hello, and before what it gave ends
   * @param {boolean} [options.patient] come back even if the very first connect fails
   * @param {Storage | null} [options.storage] keeps the resume secret, positions, rooms and the outbox between visits;
   *   null: memory only
   * @param {Partial<import("./link.js").Surroundings>} [options.around] for tests
   */
  constructor({ address, nick, token = "", patient = false, storage = lasting(), around = {} }) {
    super();
    const socket = socketAddress(nick, address);
    if (!socket) throw new TypeError("no address can name this nick");
    const world = { ...browser(), ...around };
    const send = (/** @type {Frame} */ frame) => this.#link.send(frame);
    this.#nick = nick;
    this.#store = new Store(storage, nick);
    this.#calls = new Calls(send, world);
    this.#receipts = new Receipts(send, world);
    const shared = { store: this.#store, around: world, ask: (/** @type {Frame} */ frame) => this.#calls.ask(frame) };
    /** What moderators do, and the message of the day. */
    this.moderation = new Moderation(shared.ask);
    this.#pass = new Pass(token, async (fresh) => this.moderation.allow(await this.#calls.ask({ t: "hello", token: fresh })), world);
    this.#conversations = new Conversations({
      ...shared,
      history: (conv, range) => this.history(conv, range),
      onMessage: (message) => this.#deliver(message),
      onReset: (conv, page) => this.#tell("reset", { conv, ...page }),
    });
    this.#postman = new Postman({
      ...shared,
      mayLeave: (conv) => this.#mayLeave(conv),
      limit: () => Number(this.#welcome?.limits?.max_message) || Infinity,
      onStored: (parcel, ack) => this.#stored(parcel, ack),
      onChange: (parcel) => this.#tell("outbox", parcel),
    });
    this.#rooms = new Rooms({
      ...shared,
      conversations: this.#conversations,
      onEntered: (joined) => this.#entered(joined),
      onRefused: (error) => this.#refused(error),
    });
    this.#link = new Link(
      {
        address: socket,
        patient,
        hello: (send, fail) => this.#pass.take((token) => send(this.#hello(token)), fail),
        onState: (state) => this.#changed(state),
        onFrame: (frame) => this.#take(frame),
      },
      world,
    );
  }

  get nick() {
    return this.#nick;
  }

  get state() {
    return this.#link.state;
  }

  /** The rooms that we want to be in. */
  get rooms() {
    return this.#rooms.names;
  }

  get parcels() {
    return this.#postman.parcels;
  }

  /** Connect, or try again now. */
  start() {
    this.#link.start();
  }

  /** Close for good, until start is called. Secret, positions and outbox are kept. */
  stop() {
    this.keep();
    this.#link.stop();
  }

  /** There is a fresh token: show it. Rejected with a ThrongError when it is refused; the one before goes on to count. */
  renew() {
    return this.#pass.renew();
  }

  /** Write positions to the storage now: the page may be about to go. */
  keep() {
    this.#conversations.keep();
  }

  /**
   * Say something; it leaves now or as soon as it can, and again until it is acknowledged.
   * @param {string} conv
   * @param {unknown} message any JSON value
   * @returns {Parcel | null} null when too much is waiting already: nothing was taken
   */
  say(conv, message) {
    return this.#postman.take(conv, message);
  }

  /**
   * Send a failed parcel again.
   * @param {string} cid
   */
  sayAgain(cid) {
    this.#postman.again(cid);
  }

  /**
   * Give a parcel up. If it was sent, it may arrive all the same.
   * @param {string} cid
   */
  discard(cid) {
    this.#postman.discard(cid);
  }

  /**
   * Enter a room, which is made by that. We stay in it over reconnects and visits, until leave.
   * @param {string} room
   * @returns {Promise<Frame>} the joined frame
   */
  join(room) {
    return this.#rooms.join(room);
  }

  /**
   * Leave a room. Without a connection the next one will not enter it.
   * @param {string} room
   */
  leave(room) {
    return this.#rooms.leave(room);
  }

  /**
   * A page of a conversation's history, oldest first: the newest one, or the one before or after a seq.
   * @param {string} conv
   * @param {{ before?: number, after?: number, limit?: number }} [range]
   * @returns {Promise<Page>}
   */
  async history(conv, range = {}) {
    const reply = await this.#calls.ask({ t: "history", conv, limit: 50, ...range });
    const msgs = (Array.isArray(reply.msgs) ? reply.msgs : []).map((it) => ({ conv, ...it }));
    msgs.sort((a, b) => a.seq - b.seq);
    // From the newest page on we know where we stand, even if nothing was ever said.
    if (!("before" in range || "after" in range)) this.#conversations.of(conv).adopt(this.#welcome?.epoch, msgs.at(-1)?.seq ?? 0);
    return { msgs, more: reply.more === true };
  }

  /**
   * Who is in a room, "all" included: the count, and nicks in order, from the one after `after` on.
   * @param {string} room
   * @param {{ limit?: number, after?: string }} [range]
   * @returns {Promise<{ count: number, users: string[] }>}
   */
  async presence(room, range = {}) {
    const { count, users } = await this.#calls.ask({ t: "presence", room, limit: 50, ...range });
    return { count: Number(count) || 0, users: listOf(users) };
  }

  /** Say that one is writing; to be called about every three seconds. @param {string} conv */
  typing(conv) {
    const { direct, name } = partsOf(conv);
    this.#link.send({ t: "typing", ...(direct ? { to_user: name } : { room: name }) });
  }

  /**
   * Say that all up to a seq was read. Only direct conversations have receipts.
   * @param {string} conv
   * @param {number} seq
   */
  read(conv, seq) {
    if (partsOf(conv).direct) this.#receipts.tell("read", conv, seq);
  }

  /** The time of the server's answer, in milliseconds since 1970. @returns {Promise<number>} */
  async ping() {
    return Number((await this.#calls.ask({ t: "ping" })).ts);
  }

  /** @param {string | undefined} token @returns {Frame} */
  #hello(token) {
    const resume = this.#store.get("resume", "") || undefined;
    return { t: "hello", id: "hello", token, resume, pos: this.#conversations.positions(isGreeted) };
  }

  /** @param {State} state */
  #changed(state) {
    if (state.name !== "online") {
      this.#pass.pause();
      this.#rooms.pause();
      this.#calls.lose();
      this.#conversations.pause();
      this.#postman.lose();
    }
    this.#tell("state", state);
    if (state.name !== "online") return;
    this.#changedPeople({ t: "presence", count: this.#welcome?.online });
    this.#rooms.resume();
    this.#receipts.flush();
    this.#postman.resume();
  }

  /** @param {Frame} frame */
  #take(frame) {
    if (this.#calls.answer(frame)) return;
    const conv = convOf(frame);
    const from = String(frame.from_user ?? partsOf(conv).name);
    switch (frame.t) {
      case "welcome":
        return this.#welcomed(frame);
      case "msg":
        if (Number.isSafeInteger(frame.seq)) {
          this.#conversations.of(conv).receive(/** @type {Message} */ (/** @type {unknown} */ ({ ...frame, conv })));
        }
        return;
      case "gap":
        return this.#conversations.of(conv).gap(Number(frame.to));
      case "presence":
        return this.#changedPeople(frame);
      case "typing":
        return this.#tell("typing", { conv, from });
      case "recv":
      case "read":
        return this.#tell(frame.t, { conv, from, seq: Number(frame.seq) });
      case "deleted":
        return this.#tell("deleted", { conv, seq: Number(frame.seq), mid: String(frame.mid) });
      case "motd":
        return this.#tell("motd", this.moderation.heard(frame));
      case "err":
        return this.#tell("fault", refusal(frame));
    }
  }

  /** @param {Frame} frame */
  #welcomed(frame) {
    const anew = this.#welcome !== null && this.#welcome.epoch !== frame.epoch;
    this.#welcome = frame;
    this.#nick = String(frame.nick ?? this.#nick);
    if (frame.resume) this.#store.set("resume", frame.resume);
    if (anew) this.#receipts.forget();
    this.#conversations.resume(String(frame.epoch), frame.recovered ?? {}, isGreeted);
    this.#tell("welcome", frame);
    this.#pass.welcomed(this.moderation.allow(frame));
    this.#tell("motd", this.moderation.heard(frame));
  }

  /** @param {Message} message */
  #deliver(message) {
    this.#tell("message", message);
    const { direct } = partsOf(message.conv);
    if (direct && !sameNick(message.from_user, this.#nick)) this.#receipts.tell("recv", message.conv, message.seq);
  }

  /**
   * @param {Parcel} parcel
   * @param {Frame} ack
   */
  #stored(parcel, ack) {
    const { conv = parcel.conv, seq, ts, mid, online } = ack;
    const { cid, message } = parcel;
    this.#tell("stored", { parcel, message: { conv, seq, prev: 0, ts, mid, cid, from_user: this.#nick, message, online } });
  }

  /** @param {Error} error */
  #refused(error) {
    this.#tell("fault", error);
    this.#postman.hurry(); // what waited for the room is to be refused, too
  }

  /** @param {Frame} joined */
  #entered({ room, members: count }) {
    this.#changedPeople({ t: "presence", room, count });
    this.#postman.hurry();
  }

  /** @param {Frame} frame */
  #changedPeople({ room = "all", count, joined, left }) {
    this.#tell("presence", { room: String(room), count: Number(count) || 0, joined: listOf(joined), left: listOf(left) });
  }

  /** Whether a conversation can take messages now: a room must be entered first. @param {string} conv */
  #mayLeave(conv) {
    if (this.state.name !== "online") return false;
    return isGreeted(conv) || !this.#rooms.isPending(partsOf(conv).name);
  }

  /**
   * @template {keyof Events} K
   * @param {K} type
   * @param {any} detail
   */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
