// @ts-check

/**
 * A refusal by the server, or no answer at all.
 *
 * `code` is for machines: one of ERR, or 0 when there was no answer. `message` is for people, in the server's words.
 */
export class ThrongError extends Error {
  /**
   * @param {number} code
   * @param {string} message
   * @param {object} [more]
   * @param {boolean} [more.retry] whether the same request may succeed later
   * @param {number} [more.retryAfterMs] the least wait before that
   */
  constructor(code, message, { retry = code === 0 || code === 429 || code >= 500, retryAfterMs = 0 } = {}) {
    super(message);
    this.name = "ThrongError";
    this.code = code;
    this.retry = retry;
    this.retryAfterMs = retryAfterMs;
  }
}
