// @ts-check
import { ThrongError } from "./error.js";
import { addressOf } from "./names.js";
import { Outbox } from "./outbox.js";

/** @typedef {import("./outbox.js").Parcel} Parcel */
/** @typedef {import("./frames.js").Frame} Frame */

/** The wait before a parcel is sent again that the server could not take now. */
const AGAIN_MS = 1000;
/** What a message costs beside its text: keys, id and names. */
const OVERHEAD = 512;

/** Brings parcels to the server, again and again under the same cid, until each is acknowledged or refused for good. */
export class Postman {
  #options;
  #outbox;
  /** @type {any} the timer of a rest that the server asked for; null: none */
  #rest = null;

  /**
   * @param {object} options
   * @param {import("./store.js").Store} options.store
   * @param {import("./link.js").Surroundings} options.around
   * @param {(frame: Frame) => Promise<Frame>} options.ask
   * @param {(conv: string) => boolean} options.mayLeave whether a conversation can take messages now
   * @param {() => number} options.limit the most bytes of a message
   * @param {(parcel: Parcel, ack: Frame) => void} options.onStored
   * @param {(parcel: Parcel | null) => void} options.onChange
   */
  constructor(options) {
    this.#options = options;
    this.#outbox = new Outbox(options.store);
  }

  get parcels() {
    return this.#outbox.parcels;
  }

  /**
   * @param {string} conv
   * @param {unknown} message
   */
  take(conv, message) {
    const parcel = this.#outbox.add(conv, message, this.#options.around.now());
    if (!parcel) return null;
    this.#options.onChange(parcel);
    this.hurry();
    return parcel;
  }

  /** @param {string} cid */
  again(cid) {
    const parcel = this.#outbox.find(cid);
    if (parcel?.state !== "failed") return;
    this.#mark(parcel, "queued");
    this.hurry();
  }

  /** @param {string} cid */
  discard(cid) {
    this.#outbox.remove(cid);
    this.#options.onChange(null);
    this.hurry();
  }

  /** Send all that may leave. */
  hurry() {
    if (this.#rest !== null) return;
    const waiting = (/** @type {string} */ conv) => !this.#options.mayLeave(conv);
    for (let parcel; (parcel = this.#outbox.next(waiting)); ) this.#send(parcel);
  }

  /** There is a new connection, or a rest is over: send all that may leave. */
  resume() {
    this.#options.around.cancel(this.#rest);
    this.#rest = null;
    this.hurry();
  }

  /** The connection is gone. */
  lose() {
    this.#outbox.lose();
    this.#options.onChange(null);
  }

  /** @param {Parcel} parcel */
  async #send(parcel) {
    const { cid, conv, message } = parcel;
    const size = new TextEncoder().encode(JSON.stringify(message)).length + OVERHEAD;
    if (size > this.#options.limit()) {
      this.#mark(parcel, "failed", { code: 413, message: "too large" });
      return;
    }
    this.#mark(parcel, "sent");
    try {
      const ack = await this.#options.ask({ t: "msg", cid, ...addressOf(conv), message });
      this.#outbox.remove(cid);
      this.#options.onStored(parcel, ack);
      this.#options.onChange(parcel);
    } catch (error) {
      if (!(error instanceof ThrongError)) throw error;
      this.#refused(parcel, error);
    }
    this.hurry();
  }

  /**
   * @param {Parcel} parcel
   * @param {ThrongError} error
   */
  #refused(parcel, { code, message, retry, retryAfterMs }) {
    if (!this.#outbox.find(parcel.cid)) return; // discarded meanwhile
    if (!retry) {
      this.#mark(parcel, "failed", { code, message });
      return;
    }
    this.#mark(parcel, "queued");
    const { around } = this.#options;
    around.cancel(this.#rest);
    this.#rest = around.after(() => this.resume(), Math.max(AGAIN_MS, retryAfterMs));
  }

  /**
   * @param {Parcel} parcel
   * @param {Parcel["state"]} state
   * @param {Parcel["error"]} [error]
   */
  #mark(parcel, state, error = null) {
    this.#outbox.mark(parcel, state, error);
    this.#options.onChange(parcel);
  }
}
