// @ts-check
import { prefer, preference } from "../preferences.js";
import { byId } from "./dom.js";

/** The form that asks for a nick. */
export class LoginView {
  #root = byId("login");
  #nick = /** @type {HTMLInputElement} */ (byId("nick"));
  #join = /** @type {HTMLButtonElement} */ (byId("join"));
  #error = byId("login-error");
  #texts;

  /**
   * @param {import("../texts/texts.js").Texts} texts
   * @param {(nick: string) => void} onJoin
   */
  constructor(texts, onJoin) {
    this.#texts = texts;
    this.#nick.value = preference("nick");
    byId("login-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const nick = this.#nick.value.trim();
      if (nick && !this.#join.disabled) onJoin(nick);
    });
    this.#nick.addEventListener("input", () => this.#tell(""));
  }

  /**
   * Ask for a nick.
   * @param {string} [error] why the last one did not do
   */
  ask(error = "") {
    this.#root.hidden = false;
    this.#setBusy(false);
    this.#tell(error);
    this.#nick.focus();
    this.#nick.select();
  }

  /** A nick is being tried. @param {string} nick */
  wait(nick) {
    this.#nick.value = nick;
    this.#tell("");
    this.#setBusy(true);
  }

  /** The nick is good: remember it and give way to the chat. @param {string} nick */
  leave(nick) {
    prefer("nick", nick);
    this.#setBusy(false);
    this.#root.hidden = true;
  }

  /** @param {boolean} busy */
  #setBusy(busy) {
    this.#join.disabled = busy;
    this.#nick.readOnly = busy;
    this.#join.textContent = busy ? this.#texts.joining : this.#texts.join;
  }

  /** @param {string} error */
  #tell(error) {
    this.#error.textContent = error;
    this.#nick.setAttribute("aria-invalid", String(error !== ""));
  }
}
