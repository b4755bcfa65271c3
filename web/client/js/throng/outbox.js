// @ts-check
import { convKey } from "./names.js";

/**
 * A message on its way. "queued": to be sent as soon as it can be. "sent": handed to the socket, its ack is awaited.
 * "failed": refused for good; it stays until it is discarded or sent again.
 * @typedef {object} Parcel
 * @property {string} cid the id under which the server knows it, however often it is sent
 * @property {string} conv
 * @property {unknown} message
 * @property {number} at when it was written, in milliseconds since 1970
 * @property {"queued" | "sent" | "failed"} state
 * @property {{ code: number, message: string } | null} error why it failed
 */

/** The most parcels, and the most of text in all of them, that are kept. */
const LIMIT = 200;
const TEXT_LIMIT = 512 * 1024;

/**
 * The messages that are not acknowledged, oldest first. It is bounded: what does not fit is refused, so that its author
 * keeps it. It outlives the page in a store.
 */
export class Outbox {
  #store;
  /** @type {Parcel[]} */
  #parcels;

  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.#store = store;
    this.#parcels = store.get("outbox", /** @type {Parcel[]} */ ([]));
    this.lose();
  }

  /** @returns {readonly Parcel[]} */
  get parcels() {
    return this.#parcels;
  }

  /**
   * @param {string} conv
   * @param {unknown} message
   * @param {number} now
   * @returns {Parcel | null} null when full
   */
  add(conv, message, now) {
    /** @type {Parcel} */
    const parcel = { cid: newCid(), conv, message, at: now, state: "queued", error: null };
    const size = JSON.stringify(this.#parcels).length + JSON.stringify(parcel).length;
    if (this.#parcels.length >= LIMIT || size > TEXT_LIMIT) return null;
    this.#parcels.push(parcel);
    this.#keep();
    return parcel;
  }

  /** @param {string} cid */
  find(cid) {
    return this.#parcels.find((parcel) => parcel.cid === cid);
  }

  /** @param {string} cid */
  remove(cid) {
    this.#parcels = this.#parcels.filter((parcel) => parcel.cid !== cid);
    this.#keep();
  }

  /**
   * A parcel that may leave now: the first queued one of a conversation that has none on the way. Order is kept so: a
   * later message cannot overtake an earlier one that was refused for the moment.
   * @param {(conv: string) => boolean} waits whether a conversation can take nothing now
   */
  next(waits) {
    /** @type {Set<string>} */
    const busy = new Set();
    for (const parcel of this.#parcels) {
      const key = convKey(parcel.conv);
      if (parcel.state === "queued" && !busy.has(key) && !waits(parcel.conv)) return parcel;
      if (parcel.state !== "failed") busy.add(key);
    }
    return null;
  }

  /**
   * @param {Parcel} parcel
   * @param {Parcel["state"]} state
   * @param {Parcel["error"]} [error]
   */
  mark(parcel, state, error = null) {
    parcel.state = state;
    parcel.error = error;
    this.#keep();
  }

  /** The connection is gone, and the acks with it: all is to be sent again, under the same cids. */
  lose() {
    for (const parcel of this.#parcels) {
      if (parcel.state === "sent") parcel.state = "queued";
    }
  }

  #keep() {
    this.#store.set("outbox", this.#parcels);
  }
}

/** An id that nobody else makes: 96 random bits. (randomUUID is not there on pages without TLS.) */
function newCid() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
