// @ts-check
import { byId } from "./dom.js";

/** How many stand in a row; the style sheet has as many columns. */
const COLUMNS = 8;

const ALL = [
  "😀 😄 😂 🤣 🙂 😉 😊 😍", "😘 😜 🤪 😎 🤩 🥳 😇 🤗", "🤔 🤨 😐 🙄 😏 😬 😴 🤒",
  "😕 😟 😢 😭 😱 😡 🤯 🥺", "👍 👎 👌 ✌️ 🤞 🙏 👏 🙌", "💪 👋 🤝 ☝️ 👇 👀 🧠 🫶",
  "❤️ 🧡 💛 💚 💙 💜 🖤 💔", "🎉 🎂 🎁 🎈 ✨ ⭐ 🔥 💯", "☀️ 🌧️ ⛄ 🌈 🌸 🌹 🌲 🍀",
  "🐶 🐱 🐼 🦊 🐸 🐵 🦄 🐝", "🍎 🍉 🍕 🍜 🍰 🍺 ☕ 🍵", "⚽ 🏀 🎮 🎸 🎧 📷 🚗 ✈️",
  "💻 📱 💡 🔧 📌 📎 🔒 🔑", "✅ ❌ ❓ ❗ ⚠️ 🚀 🐛 🏁",
].map((row) => row.split(" "));

/** A small choice of emoji. Arrow keys walk through it, Enter takes one, Escape goes back to the text. */
export class EmojiView {
  #panel = byId("emoji");
  #button = byId("emoji-button");
  #onPick;
  #onClose;
  #abort = new AbortController();

  /**
   * @param {(emoji: string) => void} onPick
   * @param {() => void} onClose the focus is to go elsewhere
   */
  constructor(onPick, onClose) {
    this.#onPick = onPick;
    this.#onClose = onClose;
    const { signal } = this.#abort;
    this.#button.addEventListener("click", () => (this.#panel.hidden ? this.#open() : this.#close(true)), { signal });
    this.#panel.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.#panel.addEventListener("click", (event) => this.#clicked(event), { signal });
    document.addEventListener("pointerdown", (event) => this.#pointed(event), { signal });
  }

  /** Take everything off the page. */
  close() {
    this.#abort.abort();
    this.#close(false);
    this.#panel.replaceChildren();
  }

  #open() {
    if (this.#panel.childElementCount === 0) this.#panel.append(...ALL.map(rowElement));
    this.#panel.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    this.#panel.querySelector("button")?.focus();
  }

  /** @param {boolean} isDone whether the focus goes back to the text */
  #close(isDone) {
    this.#panel.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    if (isDone) this.#onClose();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const buttons = [...this.#panel.querySelectorAll("button")];
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    /** @type {Record<string, number>} */
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS };
    if (event.key in steps) buttons[at + steps[event.key]]?.focus();
    else if (event.key === "Escape") this.#close(true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {Event} event */
  #clicked(event) {
    const button = /** @type {Element} */ (event.target).closest("button");
    if (!button) return;
    this.#onPick(button.textContent ?? "");
    this.#close(true);
  }

  /** @param {Event} event */
  #pointed(event) {
    const at = /** @type {Node} */ (event.target);
    if (!this.#panel.hidden && !this.#panel.contains(at) && !this.#button.contains(at)) this.#close(false);
  }
}

/** @param {string[]} emoji */
function rowElement(emoji) {
  const row = document.createElement("div");
  row.role = "row";
  for (const it of emoji) {
    const button = document.createElement("button");
    button.type = "button";
    button.role = "gridcell";
    button.tabIndex = -1;
    button.textContent = it;
    row.append(button);
  }
  return row;
}
