// @ts-check
import { convKey } from "./names.js";

/** How long receipts are gathered: they are cumulative, so the last says all. */
const GATHER_MS = 200;

/** How far we have got in direct conversations, told to the other side: each seq once, and after a lost connection again. */
export class Receipts {
  #send;
  #around;
  #isDue = false;
  /** @type {Map<string, import("./frames.js").Frame>} what is to be told, by kind and conversation */
  #waiting = new Map();
  /** @type {Map<string, number>} what was told */
  #told = new Map();

  /**
   * @param {(frame: import("./frames.js").Frame) => boolean} send false when there is no connection
   * @param {import("./link.js").Surroundings} around
   */
  constructor(send, around) {
    this.#send = send;
    this.#around = around;
  }

  /**
   * @param {"recv" | "read"} t
   * @param {string} conv
   * @param {number} seq
   */
  tell(t, conv, seq) {
    const key = `${t} ${convKey(conv)}`;
    const known = Math.max(this.#told.get(key) ?? 0, this.#waiting.get(key)?.seq ?? 0);
    if (seq <= known) return;
    this.#waiting.set(key, { t, conv, seq });
    if (this.#isDue) return;
    this.#isDue = true;
    this.#around.after(() => {
      this.#isDue = false;
      this.flush();
    }, GATHER_MS);
  }

  /** Tell what waits. What finds no connection waits on. */
  flush() {
    for (const [key, frame] of this.#waiting) {
      if (!this.#send(frame)) return;
      this.#waiting.delete(key);
      this.#told.set(key, frame.seq);
    }
  }

  /** Seqs start anew. */
  forget() {
    this.#waiting.clear();
    this.#told.clear();
  }
}
