// @ts-check

/**
 * Exponential back-off with full jitter: each wait is drawn evenly between zero and
 * a span that doubles up to a cap. When a server restarts, its clients come back
 * spread over the whole span and not all in the same instant.
 */
export class Backoff {
  #baseMs;
  #capMs;
  #random;
  #tries = 0;

  /**
   * @param {object} [options]
   * @param {number} [options.baseMs] the first span, in milliseconds
   * @param {number} [options.capMs] the longest span, in milliseconds
   * @param {() => number} [options.random] from 0 up to, not including, 1
   */
  constructor({ baseMs = 1000, capMs = 15_000, random = Math.random } = {}) {
    this.#baseMs = baseMs;
    this.#capMs = capMs;
    this.#random = random;
  }

  /**
   * The next wait in milliseconds.
   * @param {number} [floorMs] what the server asked for at least; the jitter is added to it
   */
  next(floorMs = 0) {
    const span = Math.min(this.#capMs, this.#baseMs * 2 ** this.#tries);
    this.#tries++;
    return floorMs + this.#random() * span;
  }

  /** Start anew: the connection has proved to be good. */
  reset() {
    this.#tries = 0;
  }
}
