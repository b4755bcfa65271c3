// @ts-check
import { LIMITS } from "../codes.gen.js";
import { ThrongError } from "./error.js";

/**
 * A message as the server sends it. `message` may be any JSON value.
 * @typedef {object} Message
 * @property {string} conv named from the reader's side
 * @property {number} seq strictly rising within a conversation and an epoch
 * @property {number} prev the seq before it in the conversation; 0 for none
 * @property {string} epoch
 * @property {string} mid
 * @property {number} ts milliseconds since 1970
 * @property {string} from_user
 * @property {string} [cid] in one's own direct messages
 * @property {unknown} message
 * @property {boolean} [deleted] what it said is gone; message is null then
 */

/**
 * @typedef {object} Page
 * @property {Message[]} msgs oldest first
 * @property {boolean} more whether there are others beyond it, in the direction asked for
 */

/** A gap of more pages than this is not filled: the conversation starts anew from its end. */
const FILL_PAGES = 5;
/** The most messages held back while a gap before them is filled. */
const HELD = 1000;

/**
 * The order of one conversation. Whatever comes in, pushed, repeated or late, it hands on each message once and in the
 * order of seq; what is missing in between it pages from the history first. When that cannot be done it says so by
 * onReset, with the newest page: what came before is to be forgotten, or paged again.
 */
export class Conversation {
  #fetch;
  #onMessage;
  #onReset;
  #epoch = "";
  /** @type {number | null} seq up to which all was handed on; null when nothing is known */
  #last = null;
  /** The seq that a running fill must reach. */
  #target = 0;
  /** @type {object | null} the running fill; a new one has another identity */
  #filling = null;
  /** Whether the position was given up and there is no newest page yet. */
  #adrift = false;
  /** @type {Message[]} */
  #held = [];

  /**
   * @param {object} options
   * @param {string} options.epoch "" when nothing is known
   * @param {number | null} options.last
   * @param {(range: { after?: number, limit: number }) => Promise<Page>} options.fetch
   * @param {(message: Message) => void} options.onMessage
   * @param {(page: Page) => void} options.onReset
   */
  constructor({ epoch, last, fetch, onMessage, onReset }) {
    this.#epoch = epoch;
    this.#last = last;
    this.#fetch = fetch;
    this.#onMessage = onMessage;
    this.#onReset = onReset;
  }

  /** Where a reader continues, [epoch, seq]; null when nothing is known. */
  get position() {
    return this.#last === null ? null : /** @type {[string, number]} */ ([this.#epoch, this.#last]);
  }

  /**
   * Take a pushed message.
   * @param {Message} message
   */
  receive(message) {
    if (message.epoch && message.epoch !== this.#epoch) this.resume(message.epoch, undefined);
    if (this.#filling) this.#hold(message);
    else this.#take(message);
  }

  /**
   * The server skipped messages up to and including a seq.
   * @param {number} to
   */
  gap(to) {
    if (this.#last !== null && to > this.#last) this.#fill(to);
  }

  /**
   * A new connection: the server says whether it sends what was missed.
   * @param {string} epoch
   * @param {boolean | undefined} recovered undefined when it was not asked, or did not say
   */
  resume(epoch, recovered) {
    const knew = this.#last !== null;
    const anew = epoch !== this.#epoch;
    if (anew) this.#begin(epoch);
    if (this.#adrift || (knew && (recovered === false || (anew && recovered !== true)))) this.#restart();
  }

  /**
   * The newest seq is known although no message came: the start of a position.
   * @param {string} epoch
   * @param {number} seq
   */
  adopt(epoch, seq) {
    if (this.#last !== null && epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#last = seq;
  }

  /** The connection is gone; the next one will send from the position on. */
  pause() {
    this.#filling = null;
    this.#held = [];
    this.#target = 0;
  }

  /** @param {string} epoch */
  #begin(epoch) {
    this.pause();
    this.#epoch = epoch;
    this.#last = null;
  }

  /** @param {Message} message */
  #take(message) {
    const { seq, prev = 0 } = message;
    if (this.#last !== null && seq > this.#last && prev > this.#last) {
      this.#hold(message);
      this.#fill(prev);
      return;
    }
    this.#hand(message);
  }

  /** @param {Message} message */
  #hand(message) {
    if (this.#last !== null && message.seq <= this.#last) return;
    this.#last = message.seq;
    this.#onMessage(message);
  }

  /** @param {Message} message */
  #hold(message) {
    if (this.#held.length < HELD) this.#held.push(message);
    else this.#target = Math.max(this.#target, message.seq); // the fill will meet it
  }

  /**
   * Page what is missing, up to and including a seq.
   * @param {number} to
   */
  async #fill(to) {
    this.#target = Math.max(this.#target, to);
    if (this.#filling) return;
    const run = (this.#filling = {});
    for (let pages = 0; /** @type {number} */ (this.#last) < this.#target; pages++) {
      if (pages === FILL_PAGES) return this.#restart();
      const page = await this.#page(run, { after: /** @type {number} */ (this.#last), limit: LIMITS.maxPage });
      if (this.#filling !== run) return;
      if (!page) break;
      for (const message of page.msgs) this.#hand(message);
      if (!page.more) break;
    }
    // What is still missing is stored no more.
    this.#last = Math.max(/** @type {number} */ (this.#last), this.#target);
    this.#release();
  }

  /** Give the position up and start anew from the newest page. */
  async #restart() {
    const run = (this.#filling = {});
    this.#adrift = true;
    const page = await this.#page(run, { limit: LIMITS.maxPage });
    if (this.#filling !== run) return;
    this.#adrift = false;
    this.#last = page?.msgs.at(-1)?.seq ?? null;
    this.#onReset(page ?? { msgs: [], more: false });
    this.#release();
  }

  /**
   * @param {object} run
   * @param {{ after?: number, limit: number }} range
   * @returns {Promise<Page | null>} null when there is nothing to be had: refused, or the connection is gone
   */
  async #page(run, range) {
    try {
      return await this.#fetch(range);
    } catch (error) {
      if (!(error instanceof ThrongError)) throw error;
      // A new connection repairs what a lost one left undone.
      if (this.#filling === run && error.code === 0) this.pause();
      return null;
    }
  }

  /** Hand on what was held back; a further gap holds the rest back again. */
  #release() {
    this.#filling = null;
    this.#target = 0;
    const held = this.#held.sort((a, b) => a.seq - b.seq);
    this.#held = [];
    for (const message of held) this.receive(message);
  }
}
