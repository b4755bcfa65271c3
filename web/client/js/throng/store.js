// @ts-check
import { nickKey } from "./nick.js";

/**
 * What is kept of one nick between visits: values by name, as JSON. A browser may forbid storage or run out of it; then
 * values live as long as the page.
 */
export class Store {
  #storage;
  #prefix;
  /** @type {Map<string, string>} */
  #memory = new Map();

  /**
   * @param {Storage | null} storage null: memory only
   * @param {string} nick
   */
  constructor(storage, nick) {
    this.#storage = storage;
    this.#prefix = `throng:${nickKey(nick)}:`;
  }

  /**
   * @template T
   * @param {string} name
   * @param {T} otherwise what there is when nothing was kept
   * @returns {T}
   */
  get(name, otherwise) {
    try {
      const text = this.#memory.get(name) ?? this.#storage?.getItem(this.#prefix + name);
      return text ? JSON.parse(text) : otherwise;
    } catch {
      return otherwise;
    }
  }

  /**
   * @param {string} name
   * @param {unknown} value
   */
  set(name, value) {
    const text = JSON.stringify(value);
    try {
      if (!this.#storage) throw new Error("memory only");
      this.#storage.setItem(this.#prefix + name, text);
      this.#memory.delete(name);
    } catch {
      this.#memory.set(name, text);
    }
  }
}

/** The browser's lasting storage, or null where it is forbidden. */
export function lasting() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
