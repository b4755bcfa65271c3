// @ts-check
import { EVERYONE, convKey, partsOf } from "../throng/throng.js";
import { Thread } from "./thread.js";
import { Typists } from "./typists.js";
import { wordsOf } from "./words.js";

/** @typedef {import("../throng/throng.js").Message} Message */

/**
 * What is kept of a chat between visits.
 * @typedef {object} Kept
 * @property {string} conv
 * @property {string} epoch
 * @property {number} seen the highest seq that was counted
 * @property {number} unread
 * @property {number} peerRecv up to where the other side received, and
 * @property {number} peerRead read, what we said
 * @property {{ from: string, text: string, ts: number, deleted?: boolean } | null} last the newest message, in short
 * @property {string} draft what is being written
 */

/** One conversation as one person sees it. */
export class Chat {
  /** How many people are in it; null when nobody said. @type {number | null} */
  members = null;
  /** The first message that was not read when the chat was opened. */
  unreadFrom = 0;
  #kept;

  /**
   * @param {string} conv
   * @param {object} options
   * @param {(conv: string, range: { before?: number, after?: number, limit: number }) => Promise<import("../throng/throng.js").Page>} options.history
   * @param {(what: "thread" | "typing") => void} options.onChange
   * @param {Partial<Kept>} [options.kept]
   */
  constructor(conv, { history, onChange, kept = {} }) {
    /** @type {Kept} */
    this.#kept = { epoch: "", seen: 0, unread: 0, peerRecv: 0, peerRead: 0, last: null, draft: "", ...kept, conv };
    this.thread = new Thread((range) => history(conv, range), () => onChange("thread"));
    this.typists = new Typists(() => onChange("typing"));
  }

  get conv() {
    return this.#kept.conv;
  }

  get key() {
    return convKey(this.conv);
  }

  get isDirect() {
    return partsOf(this.conv).direct;
  }

  get isEveryone() {
    return this.key === EVERYONE;
  }

  /** The peer's nick, or the room's name. */
  get name() {
    return partsOf(this.conv).name;
  }

  get unread() {
    return this.#kept.unread;
  }

  get last() {
    return this.#kept.last;
  }

  get draft() {
    return this.#kept.draft;
  }

  set draft(text) {
    this.#kept.draft = text;
  }

  /** What is to be kept. */
  get kept() {
    return this.#kept;
  }

  /**
   * Count a message.
   * @param {Message} message
   * @param {boolean} isUnread whether it is another's, and nobody is looking
   */
  count({ seq, epoch, from_user: from, message, ts, deleted }, isUnread) {
    const kept = this.#kept;
    if (epoch && epoch !== kept.epoch) Object.assign(kept, { epoch, seen: 0, peerRecv: 0, peerRead: 0 });
    if (seq <= kept.seen) return;
    kept.seen = seq;
    kept.last = { from, text: deleted ? "" : wordsOf(message).replace(/\s+/gu, " ").slice(0, 120), ts, deleted };
    if (!isUnread) return;
    if (kept.unread === 0) this.unreadFrom = seq;
    kept.unread++;
  }

  /**
   * What a message said is gone.
   * @param {number} seq
   */
  remove(seq) {
    if (seq === this.#kept.seen && this.#kept.last) Object.assign(this.#kept.last, { text: "", deleted: true });
    this.thread.remove(seq);
  }

  /** All was read. */
  clear() {
    this.#kept.unread = 0;
  }

  /**
   * The other side got to a seq.
   * @param {"recv" | "read"} what
   * @param {number} seq
   */
  reached(what, seq) {
    const kept = this.#kept;
    kept.peerRecv = Math.max(kept.peerRecv, seq);
    if (what === "read") kept.peerRead = Math.max(kept.peerRead, seq);
  }

  /**
   * How far one's own message got.
   * @param {number} seq
   * @returns {"stored" | "delivered" | "read"}
   */
  fate(seq) {
    if (!this.isDirect) return "stored";
    if (seq <= this.#kept.peerRead) return "read";
    return seq <= this.#kept.peerRecv ? "delivered" : "stored";
  }
}
