// @ts-check
import { byId, fromTemplate, within } from "./dom.js";

/** The messages on their way, below the list: few, so they are drawn anew each time. */
export class OutboxView {
  #list = byId("outbox");
  #chat;
  #texts;
  #abort = new AbortController();

  /**
   * @param {import("../chat.js").Chat} chat
   * @param {import("../strings.js").Texts} texts
   */
  constructor(chat, texts) {
    this.#chat = chat;
    this.#texts = texts;
    const { signal } = this.#abort;
    chat.addEventListener("outbox", () => this.#draw(), { signal });
    this.#list.addEventListener("click", (event) => this.#clicked(event), { signal });
  }

  /** Take everything off the page. */
  close() {
    this.#abort.abort();
    this.#list.replaceChildren();
  }

  #draw() {
    this.#list.replaceChildren(...this.#chat.parcels.map((parcel) => this.#parcel(parcel)));
  }

  /** @param {import("../outbox.js").Parcel} parcel */
  #parcel({ id, to, text, state }) {
    const element = fromTemplate("parcel-template");
    element.dataset.id = String(id);
    element.dataset.state = state;
    within(element, ".peer").hidden = to === "";
    within(element, "bdi").textContent = to;
    within(element, ".text").textContent = text;
    within(element, ".state").textContent = this.#texts[state];
    within(element, ".again").hidden = state !== "unsure";
    within(element, ".discard").hidden = state === "sent";
    return element;
  }

  /** @param {Event} event */
  #clicked(event) {
    const button = /** @type {Element} */ (event.target).closest("button");
    const parcel = button?.closest("li");
    if (!button || !parcel) return;
    const id = Number(parcel.dataset.id);
    if (button.classList.contains("again")) this.#chat.sayAgain(id);
    else this.#chat.discard(id);
    byId("text").focus();
  }
}
