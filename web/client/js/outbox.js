// @ts-check
import { sameNick } from "./nick.js";

/**
 * A message on its way. "queued": waits for a connection. "sent": handed to the
 * socket, its echo is awaited. "unsure": the echo did not come; only a person
 * can say whether to send it again, because it may have arrived.
 * @typedef {object} Parcel
 * @property {number} id
 * @property {string} to a nick; "" for everyone
 * @property {string} text
 * @property {"queued" | "sent" | "unsure"} state
 * @property {number} sentAt milliseconds since 1970; 0 while queued
 */

/** An echo that takes longer than this, in milliseconds, is not counted on any more. */
const ECHO_MS = 10_000;

/**
 * The messages that are not known to have arrived, oldest first. It is bounded:
 * what does not fit is refused, so that its author keeps it.
 */
export class Outbox {
  /** @type {Parcel[]} */
  #parcels = [];
  #limit;
  #lastId = 0;

  /** @param {number} limit the most parcels; below a server's burst allowance, as they leave together */
  constructor(limit = 30) {
    this.#limit = limit;
  }

  /** @returns {readonly Parcel[]} */
  get parcels() {
    return this.#parcels;
  }

  get queued() {
    return this.#parcels.filter((parcel) => parcel.state === "queued");
  }

  /**
   * @param {string} to
   * @param {string} text
   * @returns {Parcel | null} null when full
   */
  add(to, text) {
    if (this.#parcels.length >= this.#limit) return null;
    /** @type {Parcel} */
    const parcel = { id: ++this.#lastId, to, text, state: "queued", sentAt: 0 };
    this.#parcels.push(parcel);
    return parcel;
  }

  /** @param {number} id */
  find(id) {
    return this.#parcels.find((parcel) => parcel.id === id);
  }

  /** @param {number} id */
  remove(id) {
    this.#parcels = this.#parcels.filter((parcel) => parcel.id !== id);
  }

  /**
   * Our own message came back: the parcel has arrived. The server keeps the order, so
   * those handed over before it and still without an echo were not accepted.
   * @param {string} to
   * @param {string} text
   */
  confirm(to, text) {
    const arrived = this.#parcels.find(
      (parcel) => parcel.state !== "queued" && parcel.text === text && sameNick(parcel.to, to),
    );
    if (!arrived) return;
    for (const parcel of this.#parcels) {
      if (parcel === arrived) break;
      if (parcel.state === "sent") parcel.state = "unsure";
    }
    this.remove(arrived.id);
  }

  /** The connection is gone, and the echoes with it. */
  lose() {
    for (const parcel of this.#parcels) {
      if (parcel.state === "sent") parcel.state = "unsure";
    }
  }

  /**
   * Give up on late echoes.
   * @param {number} now milliseconds since 1970
   * @returns {boolean} whether something changed
   */
  expire(now) {
    const late = this.#parcels.filter(({ state, sentAt }) => state === "sent" && now - sentAt >= ECHO_MS);
    for (const parcel of late) parcel.state = "unsure";
    return late.length > 0;
  }
}
