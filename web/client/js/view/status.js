// @ts-check
import { explain } from "../strings.js";
import { badge } from "./badge.js";
import { byId } from "./dom.js";

/**
 * What stands above the messages: who I am, how the connection does, and, while there
 * is none, a banner that says why and when the next try is due.
 */
export class StatusView {
  #status = byId("status");
  #banner = byId("banner");
  #why = byId("why");
  #count = byId("count");
  #texts;
  /** When the next try is due, in milliseconds since 1970; 0 when none is. */
  #until = 0;

  /**
   * @param {import("../strings.js").Texts} texts
   * @param {() => void} onRetry
   */
  constructor(texts, onRetry) {
    this.#texts = texts;
    byId("retry").addEventListener("click", onRetry);
  }

  /** @param {string} nick */
  setNick(nick) {
    badge(byId("my-badge"), nick);
    byId("my-nick").textContent = nick;
  }

  /** @param {import("../connection.js").State} state */
  show(state) {
    const offline = state.name === "stopped" || (state.name === "waiting" && !navigator.onLine);
    this.#status.dataset.state = offline ? "offline" : state.name;
    // A screen reader says this once; it is not told of the seconds in the banner.
    this.#status.textContent = this.#words(state, offline);

    if (state.name === "online") {
      // The banner takes its button with it; whoever stood there can write now.
      if (this.#banner.contains(document.activeElement)) byId("text").focus();
      this.#banner.hidden = true;
    }
    this.#until = state.name === "waiting" ? state.until : 0;
    if ("why" in state && state.why) {
      this.#banner.hidden = false;
      this.#why.textContent = explain(this.#texts, state.why);
    }
    this.tick();
  }

  /** Count the seconds; to be called about once a second. */
  tick() {
    const seconds = Math.max(0, Math.ceil((this.#until - Date.now()) / 1000));
    this.#count.textContent = this.#until ? this.#texts.nextTry(seconds) : "";
  }

  /**
   * @param {import("../connection.js").State} state
   * @param {boolean} offline
   */
  #words(state, offline) {
    if (offline) return this.#texts.offline;
    switch (state.name) {
      case "online":
        return this.#texts.online;
      case "waiting":
        return this.#texts.reconnecting;
      default:
        return this.#texts.connecting;
    }
  }
}
