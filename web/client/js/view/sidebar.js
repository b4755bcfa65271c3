// @ts-check
import { wordsFor } from "./words.js";
import { badge } from "./badge.js";
import { byId, fromTemplate, within } from "./dom.js";
import { WindowedList } from "./list.js";

/** @typedef {import("../chat/chat.js").Chat} Chat */

/** The list of chats, with what was said last in each and how much of it was not read. */
export class SidebarView {
  #chats;
  #words;
  #list;
  #abort = new AbortController();

  /**
   * @param {import("../chat/chats.js").Chats} chats
   * @param {import("../texts/texts.js").Texts} texts
   * @param {(chat: Chat) => void} onPick
   */
  constructor(chats, texts, onPick) {
    this.#chats = chats;
    this.#words = wordsFor(texts);
    this.#list = new WindowedList(byId("chats"), {
      height: 4,
      make: () => fromTemplate("chat-row"),
      fill: (row, /** @type {Chat} */ chat) => this.#fill(row, chat, texts),
      isChosen: (chat) => chat === chats.current,
      onPick,
    });
    for (const type of ["list", "open"]) chats.addEventListener(type, () => this.draw(), { signal: this.#abort.signal });
    this.draw();
  }

  /** Draw what changed: at most once a frame. */
  draw() {
    this.#list.items = this.#chats.list;
  }

  /** Give the list the keyboard. */
  focus() {
    this.#list.active = Math.max(0, this.#list.items.indexOf(this.#chats.current));
    byId("chats").focus();
  }

  /** Take everything off the page. */
  close() {
    this.#abort.abort();
    this.#list.close();
  }

  /**
   * @param {HTMLElement} row
   * @param {Chat} chat
   * @param {import("../texts/texts.js").Texts} texts
   */
  #fill(row, chat, texts) {
    const { last, unread, draft } = chat;
    const isDraft = draft.trim() !== "" && chat !== this.#chats.current;
    const name = this.#words.nameOf(chat);
    badge(within(row, ".badge"), name, !chat.isDirect);
    within(row, ".name").textContent = name;
    const preview = within(row, ".preview");
    preview.classList.toggle("draft", isDraft);
    preview.textContent = isDraft ? `${texts.draft} ${draft}` : last ? this.#words.preview(chat, this.#chats.me) : "";
    const time = /** @type {HTMLTimeElement} */ (within(row, "time"));
    time.dateTime = last ? new Date(last.ts).toISOString() : "";
    time.textContent = last ? this.#words.when(last.ts) : "";
    const count = within(row, ".unread");
    count.hidden = unread === 0;
    within(count, "[aria-hidden]").textContent = unread > 99 ? "99+" : String(unread || "");
    within(count, ".heard").textContent = unread ? texts.unread(unread) : "";
  }
}
