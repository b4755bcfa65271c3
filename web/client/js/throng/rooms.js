// @ts-check
import { ThrongError } from "./error.js";
import { roomConv } from "./names.js";
import { nickKey } from "./nick.js";

/** @typedef {import("./frames.js").Frame} Frame */

/** The wait before a room is entered again that could not be entered now. */
const AGAIN_MS = 1000;

/** The rooms that one wants to be in, over reconnects and visits. Everyone's room is none of them: one is always in it. */
export class Rooms {
  #options;
  /** @type {Map<string, string>} as named; by key */
  #wanted = new Map();
  /** @type {Set<string>} keys of those that this connection has entered */
  #entered = new Set();

  /**
   * @param {object} options
   * @param {import("./store.js").Store} options.store
   * @param {import("./link.js").Surroundings} options.around
   * @param {(frame: Frame) => Promise<Frame>} options.ask
   * @param {import("./conversations.js").Conversations} options.conversations
   * @param {(joined: Frame) => void} options.onEntered
   * @param {(error: ThrongError) => void} options.onRefused a room that one was in does not take one any more
   */
  constructor(options) {
    this.#options = options;
    for (const room of options.store.get("rooms", /** @type {string[]} */ ([]))) this.#wanted.set(nickKey(room), room);
  }

  get names() {
    return [...this.#wanted.values()];
  }

  /** Whether a room is wanted and not entered yet. @param {string} room */
  isPending(room) {
    const key = nickKey(room);
    return this.#wanted.has(key) && !this.#entered.has(key);
  }

  /**
   * @param {string} room
   * @returns {Promise<Frame>} the joined frame
   */
  async join(room) {
    const { ask, conversations, onEntered } = this.#options;
    const conversation = conversations.of(roomConv(room));
    const pos = conversation.position ?? undefined;
    const joined = await ask({ t: "join", room, pos });
    this.#wanted.set(nickKey(room), String(joined.room ?? room));
    this.#entered.add(nickKey(room));
    this.#keep();
    conversation.resume(String(joined.epoch), pos && joined.recovered === true);
    conversation.adopt(String(joined.epoch), Number(joined.seq) || 0);
    onEntered({ ...joined, room: joined.room ?? room });
    return joined;
  }

  /** @param {string} room */
  async leave(room) {
    this.#wanted.delete(nickKey(room));
    const wasIn = this.#entered.delete(nickKey(room));
    this.#keep();
    this.#options.conversations.forget(roomConv(room));
    if (wasIn) await this.#options.ask({ t: "leave", room });
  }

  /** There is a connection: enter all. */
  resume() {
    for (const room of this.names) this.#enter(room);
  }

  /** The connection is gone. */
  pause() {
    this.#entered.clear();
  }

  /** @param {string} room */
  async #enter(room) {
    try {
      if (this.isPending(room)) await this.join(room);
    } catch (error) {
      if (!(error instanceof ThrongError)) throw error;
      if (error.code === 0) return; // the next connection tries again
      if (error.retry) {
        this.#options.around.after(() => this.#enter(room), Math.max(AGAIN_MS, error.retryAfterMs));
        return;
      }
      this.#wanted.delete(nickKey(room));
      this.#keep();
      this.#options.onRefused(error);
    }
  }

  #keep() {
    this.#options.store.set("rooms", this.names);
  }
}
