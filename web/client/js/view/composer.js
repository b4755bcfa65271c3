// @ts-check
import { byId } from "./dom.js";
import { EmojiView } from "./emoji.js";
import { wordsFor } from "./words.js";

/** Where a message is written. What is written in each chat stays there until it is sent. */
export class ComposerView {
  #form = /** @type {HTMLFormElement} */ (byId("composer"));
  #text = /** @type {HTMLTextAreaElement} */ (byId("text"));
  #error = byId("composer-error");
  #typing = byId("typing");
  #chats;
  #texts;
  #words;
  #on;
  #emoji;
  #abort = new AbortController();

  /**
   * @param {import("../chat/chats.js").Chats} chats
   * @param {import("../texts/texts.js").Texts} texts
   * @param {{ said(): void, escape(): void }} on a message was taken; Escape was pressed
   */
  constructor(chats, texts, on) {
    this.#chats = chats;
    this.#texts = texts;
    this.#words = wordsFor(texts);
    this.#on = on;
    this.#emoji = new EmojiView((emoji) => this.#insert(emoji), () => this.focus());
    const { signal } = this.#abort;
    this.#form.addEventListener("submit", (event) => this.#submitted(event), { signal });
    this.#text.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.#text.addEventListener("input", () => this.#typed(), { signal });
    chats.addEventListener("open", () => this.#begin(), { signal });
    for (const type of ["typing", "open"]) chats.addEventListener(type, () => this.#showTyping(), { signal });
  }

  focus() {
    this.#text.focus();
  }

  /** Forget what was written: the chats remember it. */
  close() {
    this.#abort.abort();
    this.#emoji.close();
    this.#form.reset();
    this.#error.textContent = "";
    this.#typing.textContent = "";
    this.#fit();
  }

  /** Another chat is open. */
  #begin() {
    const chat = this.#chats.current;
    const { messageTo, messageToAll } = this.#texts;
    const label = chat.isEveryone ? messageToAll : messageTo(this.#words.nameOf(chat));
    this.#text.placeholder = label;
    this.#text.setAttribute("aria-label", label);
    if (this.#text.value !== chat.draft) this.#text.value = chat.draft;
    this.#error.textContent = "";
    this.#fit();
  }

  /** @param {Event} event */
  #submitted(event) {
    event.preventDefault();
    const text = this.#text.value.trimEnd();
    if (text.trim() === "") return;
    if (!this.#chats.say(text)) {
      this.#error.textContent = this.#texts.outboxFull;
      return;
    }
    this.#text.value = "";
    this.#typed();
    this.#text.focus();
    this.#on.said();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // The Enter that chooses a character is the input method's. Safari tells it by the old key code alone.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#form.requestSubmit();
    } else if (event.key === "Escape") {
      this.#on.escape();
    }
  }

  #typed() {
    this.#error.textContent = "";
    this.#fit();
    this.#chats.write(this.#text.value);
  }

  /** @param {string} emoji */
  #insert(emoji) {
    const { selectionStart, selectionEnd } = this.#text;
    this.#text.setRangeText(emoji, selectionStart, selectionEnd, "end");
    this.#typed();
  }

  #showTyping() {
    const { nicks } = this.#chats.current.typists;
    this.#typing.textContent = nicks.length ? this.#texts.typing(nicks) : "";
  }

  /** Let the field be as high as its text; the style sheet sets the most. */
  #fit() {
    const { style } = this.#text;
    style.height = "auto";
    style.height = `${this.#text.scrollHeight}px`;
  }
}
