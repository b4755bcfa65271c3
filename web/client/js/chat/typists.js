// @ts-check
import { nickKey } from "../throng/throng.js";

/** How long somebody counts as writing after the last sign of it, in milliseconds. */
const TYPING_MS = 5000;

/** Who is writing in a conversation just now. */
export class Typists {
  #onChange;
  /** @type {Map<string, { nick: string, timer: any }>} */
  #all = new Map();

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  get nicks() {
    return [...this.#all.values()].map(({ nick }) => nick);
  }

  /** @param {string} nick */
  saw(nick) {
    const key = nickKey(nick);
    clearTimeout(this.#all.get(key)?.timer);
    this.#all.set(key, { nick, timer: setTimeout(() => this.stopped(nick), TYPING_MS) });
    this.#onChange();
  }

  /** @param {string} nick */
  stopped(nick) {
    const key = nickKey(nick);
    clearTimeout(this.#all.get(key)?.timer);
    if (this.#all.delete(key)) this.#onChange();
  }

  /** Nobody is heard any more. */
  clear() {
    for (const { timer } of this.#all.values()) clearTimeout(timer);
    this.#all.clear();
    this.#onChange();
  }
}
