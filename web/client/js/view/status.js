// @ts-check
import { explain } from "../texts/texts.js";
import { CLOSE } from "../throng/throng.js";
import { badge } from "./badge.js";
import { byId } from "./dom.js";

/** Who I am, how the connection does, and, while there is none, a banner that says why and when the next try is due. */
export class StatusView {
  #status = byId("status");
  #banner = byId("banner");
  #why = byId("why");
  #count = byId("count");
  #retry = byId("retry");
  #texts;
  /** When the next try is due, in milliseconds since 1970; 0 when none is. */
  #until = 0;
  #abort = new AbortController();
  #ticking;

  /**
   * @param {string} nick
   * @param {import("../texts/texts.js").Texts} texts
   * @param {() => void} onRetry
   */
  constructor(nick, texts, onRetry) {
    this.#texts = texts;
    this.setNick(nick);
    this.#retry.addEventListener("click", onRetry, { signal: this.#abort.signal });
    this.#ticking = setInterval(() => this.#tick(), 1000);
  }

  /** @param {string} nick */
  setNick(nick) {
    badge(byId("my-badge"), nick);
    byId("my-nick").textContent = nick;
  }

  /** Take everything off the page. */
  close() {
    this.#abort.abort();
    clearInterval(this.#ticking);
    this.#banner.hidden = true;
  }

  /** @param {import("../throng/throng.js").State} state */
  show(state) {
    this.#status.dataset.state = state.name;
    // A screen reader says this once; it is not told of the seconds in the banner.
    this.#status.textContent = this.#words(state);
    if (state.name === "online") {
      // The banner takes its button with it; whoever stood there can write now.
      if (this.#banner.contains(document.activeElement)) byId("text").focus();
      this.#banner.hidden = true;
    }
    this.#until = state.name === "waiting" ? state.until : 0;
    if ("why" in state && state.why) {
      const isElsewhere = state.why.code === CLOSE.takenOver;
      this.#why.textContent = explain(this.#texts, state.why);
      this.#retry.textContent = isElsewhere ? this.#texts.useHere : this.#texts.tryNow;
      this.#banner.hidden = false;
    }
    this.#tick();
  }

  /** Count the seconds. */
  #tick() {
    const seconds = Math.max(0, Math.ceil((this.#until - Date.now()) / 1000));
    this.#count.textContent = this.#until ? this.#texts.nextTry(seconds) : "";
  }

  /** @param {import("../throng/throng.js").State} state */
  #words({ name }) {
    const { connected, reconnecting, connecting, offline } = this.#texts;
    return { online: connected, waiting: reconnecting, connecting, stopped: offline }[name];
  }
}
