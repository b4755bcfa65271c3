// @ts-check
import { colour } from "./badge.js";
import { byId } from "./dom.js";

/** Where a message is written, and to whom. */
export class ComposerView {
  #form = /** @type {HTMLFormElement} */ (byId("composer"));
  #to = /** @type {HTMLInputElement} */ (byId("to"));
  #text = /** @type {HTMLTextAreaElement} */ (byId("text"));
  #everyone = byId("everyone");
  #people = byId("people");
  #error = byId("composer-error");
  #chat;
  #texts;
  #onSaid;
  #abort = new AbortController();

  /**
   * @param {import("../chat.js").Chat} chat
   * @param {import("../strings.js").Texts} texts
   * @param {() => void} onSaid a message was taken
   */
  constructor(chat, texts, onSaid) {
    this.#chat = chat;
    this.#texts = texts;
    this.#onSaid = onSaid;
    const { signal } = this.#abort;
    this.#form.addEventListener("submit", (event) => this.#submitted(event), { signal });
    this.#text.addEventListener("keydown", (event) => this.#typed(event), { signal });
    this.#text.addEventListener("input", () => this.#fit(), { signal });
    this.#to.addEventListener("keydown", (event) => this.#chosen(event), { signal });
    this.#to.addEventListener("input", () => this.#show(), { signal });
    this.#everyone.addEventListener("click", () => this.address(""), { signal });
    chat.addEventListener("people", () => this.#offer(), { signal });
    this.address("");
  }

  /**
   * Write to somebody from now on.
   * @param {string} nick "" for everyone
   */
  address(nick) {
    this.#to.value = nick;
    this.#show();
    this.#text.focus();
  }

  /** Forget what was written. */
  close() {
    this.#abort.abort();
    this.#form.reset();
    this.#people.replaceChildren();
    this.#error.textContent = "";
    this.#fit();
  }

  /** @param {Event} event */
  #submitted(event) {
    event.preventDefault();
    const text = this.#text.value.trimEnd();
    if (text.trim() === "") return;
    if (!this.#chat.say(this.#to.value, text)) {
      this.#error.textContent = this.#texts.outboxFull;
      return;
    }
    this.#text.value = "";
    this.#error.textContent = "";
    this.#fit();
    this.#text.focus();
    this.#onSaid();
  }

  /** @param {KeyboardEvent} event */
  #typed(event) {
    if (composing(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#form.requestSubmit();
    } else if (event.key === "Escape") {
      this.address("");
    }
  }

  /** @param {KeyboardEvent} event */
  #chosen(event) {
    if (composing(event)) return;
    if (event.key === "Enter") {
      event.preventDefault();
      this.#text.focus();
    } else if (event.key === "Escape") {
      this.address("");
    }
  }

  /** Make plain who will read the message. */
  #show() {
    const nick = this.#to.value.trim();
    colour(this.#form, nick);
    this.#form.classList.toggle("direct", nick !== "");
    this.#everyone.hidden = nick === "";
    this.#text.placeholder = nick ? this.#texts.privateHint(nick) : this.#texts.messageHint;
  }

  #offer() {
    const options = this.#chat.people.map((nick) => {
      const option = document.createElement("option");
      option.value = nick;
      return option;
    });
    this.#people.replaceChildren(...options);
  }

  /** Let the field be as high as its text; the style sheet sets the most. */
  #fit() {
    const { style } = this.#text;
    style.height = "auto";
    style.height = `${this.#text.scrollHeight}px`;
  }
}

/**
 * Whether a key belongs to an input method, as the Enter that chooses a character.
 * Safari tells it by the old key code alone.
 * @param {KeyboardEvent} event
 */
function composing(event) {
  return event.isComposing || event.keyCode === 229;
}
