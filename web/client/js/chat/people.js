// @ts-check
import { LIMITS, ThrongError, nickKey } from "../throng/throng.js";

/** How many nicks are asked for at once: as many as a server gives. */
const PAGE = LIMITS.maxPage;
/** A list that missed changes is asked for anew at most so often, in milliseconds. */
const STALE_MS = 5000;
/** A letter that sorts behind nearly all others. */
const LATE = "\u{2A6D6}";

/**
 * The people in a room, as far as they were looked at: a list that starts at its beginning, or at a prefix, and grows by
 * pages as its end comes near. Changes that the server tells are woven in.
 */
export class People extends EventTarget {
  #ask;
  /** @type {string[]} in the order of the server */
  #nicks = [];
  #count = 0;
  #prefix = "";
  #more = true;
  /** @type {object | null} the question under way */
  #asking = null;
  /** @type {any} */
  #stale = null;

  /** @param {(range: { limit: number, after?: string }) => Promise<{ count: number, users: string[] }>} ask */
  constructor(ask) {
    super();
    this.#ask = ask;
  }

  /** @returns {readonly string[]} those known that begin with the prefix */
  get nicks() {
    return this.#nicks;
  }

  /** How many are there in all. */
  get count() {
    return this.#count;
  }

  /** Whether the list goes on. */
  get more() {
    return this.#more;
  }

  get isBusy() {
    return this.#asking !== null;
  }

  /**
   * Begin anew, at a prefix.
   * @param {string} prefix "" for all
   */
  async search(prefix) {
    this.#prefix = nickKey(prefix);
    this.#asking = null;
    await this.#page([], this.#prefix ? before(this.#prefix) : undefined);
  }

  /** The end of the list is near: page on. */
  async grow() {
    if (this.#more && !this.#asking) await this.#page(this.#nicks, this.#nicks.at(-1));
  }

  /**
   * People came and went.
   * @param {{ count: number, joined?: string[], left?: string[] }} change
   */
  change({ count, joined = [], left = [] }) {
    const expected = this.#count + joined.length - left.length;
    this.#count = count;
    const gone = new Set(left.map(nickKey));
    const here = new Set(this.#nicks.map(nickKey));
    this.#nicks = this.#nicks.filter((nick) => !gone.has(nickKey(nick)));
    for (const nick of joined) if (!here.has(nickKey(nick))) this.#insert(nick);
    // Lists are cut when many come at once; then what we have is only nearly right.
    if (expected !== count) this.#refreshSoon();
    this.#changed();
  }

  /** Stop asking. */
  close() {
    clearTimeout(this.#stale);
    this.#asking = null;
  }

  /**
   * @param {readonly string[]} known what stands before the page
   * @param {string} [after]
   */
  async #page(known, after) {
    const asking = (this.#asking = {});
    try {
      const { count, users } = await this.#asked(after);
      if (this.#asking !== asking) return;
      const fitting = users.filter((nick) => nickKey(nick).startsWith(this.#prefix));
      this.#nicks = [...known, ...fitting];
      this.#count = count;
      // Behind the last that begins with the prefix there are no others.
      this.#more = users.length >= PAGE && nickKey(users[users.length - 1]).startsWith(this.#prefix);
    } catch (error) {
      if (!(error instanceof ThrongError)) throw error; // else the next search or change asks again
    }
    if (this.#asking !== asking) return;
    this.#asking = null;
    this.#changed();
  }

  /** @param {string} [after] */
  async #asked(after) {
    try {
      return await this.#ask({ limit: PAGE, after });
    } catch (error) {
      if (!(error instanceof ThrongError) || error.code !== 400 || !after) throw error;
      return this.#ask({ limit: PAGE, after: this.#prefix }); // the one who bears the prefix itself stays out
    }
  }

  /** @param {string} nick */
  #insert(nick) {
    const key = nickKey(nick);
    if (!key.startsWith(this.#prefix)) return;
    let at = this.#nicks.findIndex((other) => nickKey(other) > key);
    if (at < 0 && this.#more) return; // on a page that was not looked at
    if (at < 0) at = this.#nicks.length;
    this.#nicks = this.#nicks.toSpliced(at, 0, nick);
  }

  #refreshSoon() {
    this.#stale ??= setTimeout(() => {
      this.#stale = null;
      // Whoever went far down keeps the place.
      if (!this.#asking && this.#nicks.length <= PAGE) this.#page([], this.#prefix ? before(this.#prefix) : undefined);
    }, STALE_MS);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * A name that sorts just before all that begin with a prefix, the prefix itself included: lists go on after a name.
 * @param {string} prefix not ""
 */
function before(prefix) {
  const letters = [...prefix];
  const last = /** @type {number} */ (letters.pop()?.codePointAt(0));
  return letters.join("") + String.fromCodePoint(Math.max(0x21, last - 1)) + LATE;
}
