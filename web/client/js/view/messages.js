// @ts-check
import { sameNick } from "../nick.js";
import { badge, colour } from "./badge.js";
import { byId, fromTemplate, within } from "./dom.js";

/** Entries of one sender that follow each other within this time share a heading. */
const SAME_BREATH_MS = 180_000;
/** How far from the end, in pixels, still counts as being there. */
const NEAR_PX = 48;

/**
 * The list of messages. It draws at most once a frame, however many messages came,
 * and keeps as many elements as the model keeps entries. It follows the newest
 * message while the reader is at the end, and otherwise leaves the page alone and
 * counts.
 */
export class MessagesView {
  #scroller = byId("scroller");
  #list = byId("messages");
  #empty = byId("empty");
  #newer = byId("newer");
  #chat;
  #texts;
  #onPick;
  #clock;
  #date;
  /** @type {import("../chat.js").Entry | null} */
  #last = null;
  #atEnd = true;
  #unseen = 0;
  #frame = 0;
  #abort = new AbortController();
  #resized = new ResizeObserver(() => this.#follow());

  /**
   * @param {import("../chat.js").Chat} chat
   * @param {import("../strings.js").Texts} texts
   * @param {(nick: string) => void} onPick a nick in the list was chosen
   */
  constructor(chat, texts, onPick) {
    this.#chat = chat;
    this.#texts = texts;
    this.#onPick = onPick;
    this.#clock = new Intl.DateTimeFormat(texts.language, { hour: "2-digit", minute: "2-digit" });
    this.#date = new Intl.DateTimeFormat(texts.language, { dateStyle: "full", timeStyle: "medium" });
    const { signal } = this.#abort;
    chat.addEventListener("entries", () => this.#drawSoon(), { signal });
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { signal, passive: true });
    this.#newer.addEventListener("click", () => this.toEnd(), { signal });
    this.#list.addEventListener("click", (event) => this.#clicked(event), { signal });
    for (const part of [this.#scroller, ...this.#scroller.children]) this.#resized.observe(part);
    this.#empty.hidden = false;
  }

  /** Go to the newest message and stay with it. */
  toEnd() {
    this.#atEnd = true;
    this.#follow();
    this.#count(0);
  }

  /** Take everything off the page. */
  close() {
    this.#abort.abort();
    this.#resized.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#list.replaceChildren();
    this.#count(0);
  }

  #drawSoon() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const { entries } = this.#chat;
    const drawn = this.#last?.id ?? 0;
    const fresh = entries.filter((entry) => entry.id > drawn);
    const added = document.createDocumentFragment();
    for (const entry of fresh) {
      added.append(entry.kind === "notice" ? this.#notice(entry) : this.#message(entry));
      this.#last = entry;
    }
    this.#list.append(added);
    this.#trim(entries.length);
    this.#empty.hidden = true;

    if (fresh.some((entry) => entry.mine)) this.#atEnd = true;
    this.#follow();
    this.#count(this.#atEnd ? 0 : this.#unseen + fresh.length);
  }

  /**
   * Drop the oldest elements. What is first then shows its heading, even if it
   * followed another of the same sender.
   * @param {number} limit
   */
  #trim(limit) {
    while (this.#list.childElementCount > limit) this.#list.firstElementChild?.remove();
    this.#list.firstElementChild?.classList.remove("follows");
  }

  /** @param {import("../chat.js").Entry} entry */
  #notice(entry) {
    const element = fromTemplate("notice-template");
    within(element, ".text").textContent = entry.text;
    this.#time(within(element, "time"), entry.at);
    return element;
  }

  /** @param {import("../chat.js").Entry} entry */
  #message(entry) {
    const element = fromTemplate("message-template");
    element.classList.toggle("mine", entry.mine);
    element.classList.toggle("direct", entry.kind === "direct");
    element.classList.toggle("follows", this.#continues(entry));
    badge(within(element, ".badge"), entry.from);
    this.#nick(within(element, ".from"), entry.from);
    within(element, ".private").hidden = entry.kind !== "direct";
    if (entry.kind === "direct" && entry.mine) {
      within(element, ".arrow").hidden = false;
      this.#nick(within(element, ".peer"), entry.to);
    }
    within(element, ".text").textContent = entry.text;
    this.#time(within(element, "time"), entry.at);
    return element;
  }

  /**
   * A nick that is a button to write to it; my own is not.
   * @param {HTMLElement} element
   * @param {string} nick
   */
  #nick(element, nick) {
    const button = /** @type {HTMLButtonElement} */ (element);
    const mine = sameNick(nick, this.#chat.me);
    colour(button, nick);
    button.disabled = mine;
    button.textContent = mine ? this.#texts.you : nick;
    button.title = mine ? nick : this.#texts.toNick(nick);
    button.dataset.nick = nick;
  }

  /**
   * @param {HTMLElement} element
   * @param {number} at
   */
  #time(element, at) {
    const time = /** @type {HTMLTimeElement} */ (element);
    time.dateTime = new Date(at).toISOString();
    time.textContent = this.#clock.format(at);
    time.title = this.#date.format(at);
  }

  /** @param {import("../chat.js").Entry} entry */
  #continues(entry) {
    const last = this.#last;
    return (
      last !== null &&
      last.kind === entry.kind &&
      last.from === entry.from &&
      last.to === entry.to &&
      entry.at - last.at < SAME_BREATH_MS
    );
  }

  /** @param {Event} event */
  #clicked(event) {
    const button = /** @type {Element} */ (event.target).closest("button");
    if (button?.dataset.nick) this.#onPick(button.dataset.nick);
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight <= NEAR_PX;
    if (this.#atEnd) this.#count(0);
  }

  #follow() {
    if (this.#atEnd) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** @param {number} unseen */
  #count(unseen) {
    this.#unseen = unseen;
    this.#newer.hidden = unseen === 0;
    this.#newer.textContent = unseen ? this.#texts.newer(unseen) : "";
  }
}
