// @ts-check

/** A new token is asked for so long before the old one ends, in milliseconds, or at half of a time that is shorter than twice that. */
const BEFORE_MS = 60_000;
/** It is not asked for more often than this, in milliseconds. */
const SELDOM_MS = 5_000;
/** No timer is set for longer than this, in milliseconds: beyond 24 days browsers take it for no time at all. */
const LONGEST_MS = 24 * 3600 * 1000;

/**
 * The token that lets somebody in: as it is, or a function that gives the one to be shown now, "" for none.
 * @typedef {string | (() => string | Promise<string>)} Token
 */

/** Shows the token with each hello, and a fresh one, on the same connection, before the last one ends. */
export class Pass {
  #token;
  #show;
  #around;
  /** The one that was shown last, and when it ends, in milliseconds since 1970; 0: never, or there is no connection. */
  #shown = "";
  #expires = 0;
  /** @type {any} asks for the next one */
  #timer = null;

  /**
   * @param {Token} token
   * @param {(token: string) => Promise<import("./frames.js").Frame>} show on the connection that there is; it gives the welcome
   * @param {import("./link.js").Surroundings} around
   */
  constructor(token, show, around) {
    this.#token = token;
    this.#show = show;
    this.#around = around;
  }

  /**
   * Have the token for a hello.
   * @param {(token: string | undefined) => void} use is called at once where no function has to be waited for
   * @param {(why: Error) => void} fail
   */
  take(use, fail) {
    const took = (/** @type {string} */ token) => use((this.#shown = token) || undefined);
    if (typeof this.#token === "string") took(this.#token);
    else this.#ask().then(took, fail);
  }

  /** The welcome says when what was shown ends. @param {import("./frames.js").Frame} welcome */
  welcomed(welcome) {
    this.#watch(Number(welcome.expires) || 0);
  }

  /** There is no connection. */
  pause() {
    this.#watch(0);
  }

  /** Show a fresh token, if there is one. It is rejected when there is none to be had, or when the server refuses it. */
  async renew() {
    const token = await this.#ask();
    if (!token || token === this.#shown) return;
    this.welcomed(await this.#show(token));
    this.#shown = token;
  }

  /** @param {number} expires */
  #watch(expires) {
    this.#around.cancel(this.#timer);
    this.#timer = null;
    this.#expires = expires;
    if (!expires || typeof this.#token === "string") return;
    const left = expires - this.#around.now();
    const wait = Math.min(Math.max(left - BEFORE_MS, left / 2, SELDOM_MS), LONGEST_MS);
    this.#timer = this.#around.after(() => this.#due(), wait);
  }

  async #due() {
    this.#timer = null;
    await this.renew().catch(() => {}); // it is tried again, until the token ends: then the server says so
    if (this.#timer === null) this.#watch(this.#expires);
  }

  async #ask() {
    return typeof this.#token === "string" ? this.#token : String((await this.#token()) ?? "");
  }
}
