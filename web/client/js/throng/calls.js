// @ts-check
import { ThrongError } from "./error.js";

/** @typedef {import("./frames.js").Frame} Frame */

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 10_000;

/** The questions that wait for their answers: one reply and one time limit each. */
export class Calls {
  #send;
  #around;
  #lastId = 0;
  /** @type {Map<number, { resolve(frame: Frame): void, reject(error: ThrongError): void, timer: unknown }>} */
  #waiting = new Map();

  /**
   * @param {(frame: Frame) => boolean} send false when there is no connection
   * @param {import("./link.js").Surroundings} around
   */
  constructor(send, around) {
    this.#send = send;
    this.#around = around;
  }

  /**
   * Send a frame under an id of its own.
   * @param {Frame} frame
   * @returns {Promise<Frame>} the answer; rejected with a ThrongError
   */
  ask(frame) {
    const id = ++this.#lastId;
    if (!this.#send({ ...frame, id })) return Promise.reject(new ThrongError(0, "not connected"));
    return new Promise((resolve, reject) => {
      const timer = this.#around.after(() => this.#end(id)?.reject(new ThrongError(0, "no answer")), ANSWER_MS);
      this.#waiting.set(id, { resolve, reject, timer });
    });
  }

  /**
   * Take a frame that may be an answer.
   * @param {Frame} frame
   * @returns {boolean} whether it was, even if it came too late to be of use
   */
  answer(frame) {
    if (typeof frame.id !== "number") return false;
    const call = this.#end(frame.id);
    if (!call) return true;
    if (frame.t === "err") call.reject(refusal(frame));
    else call.resolve(frame);
    return true;
  }

  /** The connection is gone, and all answers with it. */
  lose() {
    for (const id of [...this.#waiting.keys()]) this.#end(id)?.reject(new ThrongError(0, "the connection is gone"));
  }

  /** @param {number} id */
  #end(id) {
    const call = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (call) this.#around.cancel(call.timer);
    return call;
  }
}

/**
 * What an err frame says.
 * @param {Frame} frame
 */
export function refusal({ code, message, retry, retry_after_ms: retryAfterMs }) {
  return new ThrongError(Number(code) || 500, String(message ?? ""), { retry, retryAfterMs });
}
