// @ts-check
import { SYSTEM, nickKey, sameNick } from "./nick.js";
import { Outbox } from "./outbox.js";
import { decode, encode } from "./tutorial.js";

/**
 * Something that stands in the list.
 * @typedef {object} Entry
 * @property {number} id rising by one from entry to entry
 * @property {"room" | "direct" | "notice"} kind said to everyone, to one, or not by a person
 * @property {string} from the sender's nick; "" for a notice
 * @property {string} to the recipient's nick; "" for everyone
 * @property {string} text
 * @property {number} at when it came, in milliseconds since 1970
 * @property {boolean} mine
 */

/** How many nicks are remembered as possible recipients. */
const PEOPLE_LIMIT = 50;

/**
 * The chat as one person sees it: the latest entries, what is still on its way, the
 * people met. It touches no page and no socket. After each change it dispatches
 * an event named after what changed: "entries", "outbox", "people", "unread".
 */
export class Chat extends EventTarget {
  #me;
  #send;
  #now;
  #limit;
  #outbox = new Outbox();
  /** @type {Entry[]} */
  #entries = [];
  #lastId = 0;
  /** @type {Map<string, string>} key to nick, the latest last */
  #people = new Map();
  #unread = 0;
  #away = false;

  /**
   * @param {object} options
   * @param {string} options.me my nick
   * @param {(frame: string) => boolean} options.send false when there is no connection
   * @param {() => number} [options.now] milliseconds since 1970
   * @param {number} [options.limit] the most entries kept; the oldest go first
   */
  constructor({ me, send, now = Date.now, limit = 1000 }) {
    super();
    this.#me = me;
    this.#send = send;
    this.#now = now;
    this.#limit = limit;
  }

  get me() {
    return this.#me;
  }

  /** Oldest first. @returns {readonly Entry[]} */
  get entries() {
    return this.#entries;
  }

  get parcels() {
    return this.#outbox.parcels;
  }

  /** Possible recipients, the latest first. */
  get people() {
    return [...this.#people.values()].reverse();
  }

  get unread() {
    return this.#unread;
  }

  /**
   * Tell whether nobody is looking; what others say then counts as unread.
   * @param {boolean} away
   */
  setAway(away) {
    this.#away = away;
    if (!away) this.#setUnread(0);
  }

  /**
   * Say something; it leaves now, or as soon as there is a connection.
   * @param {string} to a nick; "" for everyone
   * @param {string} text
   * @returns {boolean} false when too much is waiting already: nothing was taken
   */
  say(to, text) {
    const parcel = this.#outbox.add(to.trim(), text);
    if (!parcel) return false;
    if (parcel.to) this.#meet(parcel.to);
    this.#dispatch(parcel);
    this.#changed("outbox");
    return true;
  }

  /**
   * Send a parcel again that may not have arrived.
   * @param {number} id
   */
  sayAgain(id) {
    const parcel = this.#outbox.find(id);
    if (!parcel) return;
    parcel.state = "queued";
    this.#dispatch(parcel);
    this.#changed("outbox");
  }

  /** @param {number} id */
  discard(id) {
    this.#outbox.remove(id);
    this.#changed("outbox");
  }

  /** There is a connection: what waited for it leaves, in order. */
  connected() {
    for (const parcel of this.#outbox.queued) this.#dispatch(parcel);
    this.#changed("outbox");
  }

  /** The connection is gone. */
  disconnected() {
    this.#outbox.lose();
    this.#changed("outbox");
  }

  /** To be called about once a second. */
  tick() {
    if (this.#outbox.expire(this.#now())) this.#changed("outbox");
  }

  /**
   * Take a frame from the server; one that is not of the dialect is ignored.
   * @param {string} frame
   */
  receive(frame) {
    const message = decode(frame);
    if (!message) return;
    if (message.from === SYSTEM) {
      this.note(message.text);
      return;
    }
    const mine = sameNick(message.from, this.#me);
    if (mine) {
      this.#outbox.confirm(message.to, message.text);
      this.#changed("outbox");
    } else {
      this.#meet(message.from);
      if (this.#away) this.#setUnread(this.#unread + 1);
    }
    this.#append(message.to ? "direct" : "room", message, mine);
  }

  /**
   * Put a notice into the list.
   * @param {string} text
   */
  note(text) {
    this.#append("notice", { from: "", to: "", text }, false);
  }

  /** @param {import("./outbox.js").Parcel} parcel */
  #dispatch(parcel) {
    const { to, text } = parcel;
    if (!this.#send(encode({ from: this.#me, to, text }))) return;
    if (to === "" || sameNick(to, this.#me)) {
      parcel.state = "sent";
      parcel.sentAt = this.#now();
      return;
    }
    // The sender gets no copy of a direct message, so this is all we shall see of it.
    this.#outbox.remove(parcel.id);
    this.#append("direct", { from: this.#me, to, text }, true);
  }

  /**
   * @param {Entry["kind"]} kind
   * @param {import("./tutorial.js").Message} message
   * @param {boolean} mine
   */
  #append(kind, { from, to, text }, mine) {
    this.#entries.push({ id: ++this.#lastId, kind, from, to, text, at: this.#now(), mine });
    if (this.#entries.length > this.#limit) this.#entries.shift();
    this.#changed("entries");
  }

  /** @param {string} nick */
  #meet(nick) {
    const key = nickKey(nick);
    const known = [...this.#people.keys()].at(-1) === key;
    this.#people.delete(key);
    this.#people.set(key, nick);
    if (known) return;
    if (this.#people.size > PEOPLE_LIMIT) {
      const [oldest] = this.#people.keys();
      this.#people.delete(oldest);
    }
    this.#changed("people");
  }

  /** @param {number} unread */
  #setUnread(unread) {
    if (unread === this.#unread) return;
    this.#unread = unread;
    this.#changed("unread");
  }

  /** @param {"entries" | "outbox" | "people" | "unread"} what */
  #changed(what) {
    this.dispatchEvent(new Event(what));
  }
}
