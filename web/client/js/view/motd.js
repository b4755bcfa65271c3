// @ts-check
import { wordsOf } from "../chat/words.js";
import { byId } from "./dom.js";

/** The message of the day, above the chat. */
export class MotdView {
  #line = byId("motd");
  #abort = new AbortController();

  /** @param {import("../throng/throng.js").Throng} throng */
  constructor(throng) {
    this.#show(throng.moderation.motd);
    throng.addEventListener("motd", () => this.#show(throng.moderation.motd), { signal: this.#abort.signal });
  }

  /** Take everything off the page. */
  close() {
    this.#abort.abort();
    this.#line.hidden = true;
  }

  /** @param {unknown} motd */
  #show(motd) {
    this.#line.hidden = motd === null;
    this.#line.textContent = motd === null ? "" : wordsOf(motd);
  }
}
