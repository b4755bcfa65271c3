// @ts-check
import { Conversation } from "./conversation.js";
import { ThrongError } from "./error.js";
import { convKey } from "./names.js";

/** @typedef {import("./conversation.js").Page} Page */

/** The most positions that are kept; those that moved last stay. */
const LIMIT = 200;
/** How long positions may move before they are written. */
const KEEP_MS = 500;
/** The wait before a page is asked for again that the server could not give now. */
const AGAIN_MS = 1000;

/** All conversations and where we stand in each, kept between visits. */
export class Conversations {
  #options;
  /** @type {Map<string, { conv: string, conversation: Conversation }>} by key, the latest moved last */
  #all = new Map();
  #isDue = false;

  /**
   * @param {object} options
   * @param {import("./store.js").Store} options.store
   * @param {import("./link.js").Surroundings} options.around
   * @param {(conv: string, range: { after?: number, limit: number }) => Promise<Page>} options.history
   * @param {(message: import("./conversation.js").Message) => void} options.onMessage
   * @param {(conv: string, page: Page) => void} options.onReset
   */
  constructor(options) {
    this.#options = options;
    const kept = options.store.get("positions", /** @type {Record<string, [string, number]>} */ ({}));
    for (const [conv, [epoch, last]] of Object.entries(kept)) this.#make(conv, epoch, last);
  }

  /**
   * The conversation of a name; a new one when it was not known.
   * @param {string} conv
   */
  of(conv) {
    return this.#all.get(convKey(conv))?.conversation ?? this.#make(conv, "", null);
  }

  /** @param {string} conv */
  forget(conv) {
    this.#all.delete(convKey(conv));
    this.keep();
  }

  /**
   * Where we stand in the conversations that are wanted.
   * @param {(conv: string) => boolean} wanted
   */
  positions(wanted) {
    /** @type {Record<string, [string, number]>} */
    const positions = {};
    for (const { conv, conversation } of [...this.#all.values()].slice(-LIMIT)) {
      if (conversation.position && wanted(conv)) positions[conv] = conversation.position;
    }
    return positions;
  }

  /**
   * A new connection, for the conversations that are wanted.
   * @param {string} epoch
   * @param {Record<string, boolean>} recovered by name
   * @param {(conv: string) => boolean} wanted
   */
  resume(epoch, recovered, wanted) {
    const byKey = new Map(Object.entries(recovered).map(([conv, is]) => [convKey(conv), is]));
    for (const [key, { conv, conversation }] of this.#all) {
      if (wanted(conv)) conversation.resume(epoch, byKey.get(key));
    }
  }

  /** The connection is gone. */
  pause() {
    for (const { conversation } of this.#all.values()) conversation.pause();
  }

  /** Write the positions. */
  keep() {
    this.#options.store.set("positions", this.positions(() => true));
  }

  /**
   * @param {string} conv
   * @param {string} epoch
   * @param {number | null} last
   */
  #make(conv, epoch, last) {
    const key = convKey(conv);
    const conversation = new Conversation({
      epoch,
      last,
      fetch: (range) => this.#page(conv, range),
      onMessage: (message) => {
        this.#moved(key);
        this.#options.onMessage(message);
      },
      onReset: (page) => {
        this.#moved(key);
        this.#options.onReset(conv, page);
      },
    });
    this.#all.set(key, { conv, conversation });
    return conversation;
  }

  /** @param {string} key */
  #moved(key) {
    const it = this.#all.get(key);
    if (it && this.#all.delete(key)) this.#all.set(key, it);
    if (this.#isDue) return;
    this.#isDue = true;
    this.#options.around.after(() => {
      this.#isDue = false;
      this.keep();
    }, KEEP_MS);
  }

  /**
   * A page of history, asked for again while the server says that it could be had later.
   * @param {string} conv
   * @param {{ after?: number, limit: number }} range
   * @returns {Promise<Page>}
   */
  async #page(conv, range) {
    for (;;) {
      try {
        return await this.#options.history(conv, range);
      } catch (error) {
        if (!(error instanceof ThrongError) || error.code === 0 || !error.retry) throw error;
        const ms = Math.max(AGAIN_MS, error.retryAfterMs);
        await new Promise((resolve) => this.#options.around.after(() => resolve(null), ms));
      }
    }
  }
}
