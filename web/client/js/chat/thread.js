// @ts-check
import { ThrongError } from "../throng/throng.js";

/** @typedef {import("../throng/throng.js").Message} Message */
/** @typedef {import("../throng/throng.js").Page} Page */

/**
 * A message as it stands in a thread. `key` stays the same while it goes from parcel to message; `live` is that it was
 * heard, not looked up; `online` is false when its recipient was away.
 * @typedef {Message & { key: string, live?: boolean, online?: boolean }} Line
 */

/** The most messages held at once. */
export const LINES = 300;
/** How many messages are looked up at once. */
const PAGE = 50;
/** The most messages heard during a look-up that are remembered. */
const HEARD = 200;

/**
 * A window on a conversation: a stretch of its messages without holes, oldest first. It grows at either end by looking
 * up, and loses at the other end what exceeds LINES. While it reaches the newest message it follows the conversation.
 */
export class Thread {
  #history;
  #onChange;
  #pauseMs;
  /** @type {Line[]} */
  #lines = [];
  #isReady = false;
  #older = false;
  #newer = false;
  /** @type {object | null} the look-up under way */
  #lookup = null;
  /** @type {Line[]} */
  #heard = [];
  /** What was deleted while we were here: a page that was read before may still have it. @type {Set<number>} */
  #deleted = new Set();
  /** Whether the reader is at the end; otherwise what is read must not be pushed out by what comes. */
  isFollowed = true;

  /**
   * @param {(range: { before?: number, after?: number, limit: number }) => Promise<Page>} history
   * @param {() => void} onChange
   * @param {number} [pauseMs] how long to rest after a look-up that failed
   */
  constructor(history, onChange, pauseMs = 2000) {
    this.#pauseMs = pauseMs;
    this.#history = history;
    this.#onChange = onChange;
  }

  /** @returns {readonly Line[]} */
  get lines() {
    return this.#lines;
  }

  /** Whether the messages are known; before, there is nothing to show. */
  get isReady() {
    return this.#isReady;
  }

  get isBusy() {
    return this.#lookup !== null;
  }

  /** Whether there are older messages to look up. */
  get older() {
    return this.#older;
  }

  /** Whether there are newer messages: the thread does not follow at present. */
  get newer() {
    return this.#newer;
  }

  /**
   * Take a message as it is heard.
   * @param {Message} message
   * @param {Partial<Line>} [more]
   */
  add(message, more = {}) {
    const line = lineOf(message, more);
    if (this.#lookup && this.#heard.length <= HEARD) this.#heard.push(line);
    if (!this.#isReady || this.#newer) return;
    this.#put(line);
    if (this.#lines.length > LINES) this.#cut(this.isFollowed);
    this.#onChange();
  }

  /**
   * What a message said is gone.
   * @param {number} seq
   */
  remove(seq) {
    this.#deleted.add(seq);
    const at = this.#lines.findIndex((line) => line.seq === seq);
    if (at < 0) return;
    this.#lines[at] = gone(this.#lines[at]);
    this.#onChange();
  }

  /** Look up the newest messages; nothing to do when they are here. */
  async latest() {
    if (this.#isReady && !this.#newer) return;
    await this.#look({ limit: PAGE }, (page) => this.#begin(page));
  }

  /** Look up what is above. */
  async up() {
    const [first] = this.#lines;
    if (!this.#older || !first) return;
    await this.#look({ before: first.seq, limit: PAGE }, ({ msgs, more }) => {
      this.#older = more;
      for (const message of msgs) this.#put(lineOf(message));
      if (this.#lines.length > LINES) this.#cut(false);
    });
  }

  /** Look up what is below. */
  async down() {
    const last = this.#lines.at(-1);
    if (!this.#newer || !last) return;
    await this.#look({ after: last.seq, limit: PAGE }, ({ msgs, more }) => {
      this.#newer = more;
      for (const message of msgs) this.#put(lineOf(message));
      if (!more) this.#catchUp();
      if (this.#lines.length > LINES) this.#cut(true);
    });
  }

  /**
   * There is a hole before this newest page: begin anew with it.
   * @param {Page} page
   */
  reset(page) {
    this.#lookup = null;
    if (!this.#isReady) return;
    this.#begin(page);
    this.#onChange();
  }

  /** Forget what is not needed while nobody looks. */
  rest() {
    this.isFollowed = true;
    if (this.#newer) {
      this.#lines = [];
      this.#isReady = this.#newer = this.#older = false;
    } else if (this.#lines.length > PAGE) {
      this.#lines = this.#lines.slice(-PAGE);
      this.#older = true;
    }
  }

  /**
   * @param {{ before?: number, after?: number, limit: number }} range
   * @param {(page: Page) => void} take
   */
  async #look(range, take) {
    if (this.#lookup) return;
    const lookup = (this.#lookup = {});
    this.#heard = [];
    try {
      const page = await this.#history(range);
      if (this.#lookup === lookup) take(page);
    } catch (error) {
      if (!(error instanceof ThrongError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, this.#pauseMs)); // before anybody asks again
    } finally {
      if (this.#lookup === lookup) this.#lookup = null;
      this.#onChange();
    }
  }

  /** @param {Page} page */
  #begin({ msgs, more }) {
    this.#lines = [];
    for (const message of msgs) this.#put(lineOf(message));
    this.#isReady = true;
    this.#older = more;
    this.#newer = false;
    this.#catchUp();
  }

  /** Add what was heard while the page was on its way. */
  #catchUp() {
    this.#newer = this.#heard.length > HEARD;
    if (!this.#newer) for (const line of this.#heard) this.#put(line);
    this.#heard = [];
  }

  /** @param {Line} line */
  #put(line) {
    if (this.#deleted.has(line.seq)) line = gone(line);
    let at = this.#lines.length;
    while (at > 0 && this.#lines[at - 1].seq > line.seq) at--;
    const same = this.#lines[at - 1];
    if (same?.seq !== line.seq) this.#lines.splice(at, 0, line);
    else this.#lines[at - 1] = { ...same, ...line, cid: same.cid ?? line.cid, key: same.key };
  }

  /** @param {boolean} top whether to cut at the top */
  #cut(top) {
    if (top) this.#lines.splice(0, this.#lines.length - LINES);
    else this.#lines.splice(LINES);
    if (top) this.#older = true;
    else this.#newer = true;
  }
}

/**
 * A line whose words are gone.
 * @param {Line} line
 * @returns {Line}
 */
function gone(line) {
  return { ...line, message: null, deleted: true };
}

/**
 * @param {Message} message
 * @param {Partial<Line>} [more]
 * @returns {Line}
 */
function lineOf(message, more = {}) {
  return { ...message, ...more, key: message.cid ?? `${message.epoch}/${message.seq}` };
}
