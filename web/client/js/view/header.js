// @ts-check
import { badge } from "./badge.js";
import { byId } from "./dom.js";
import { wordsFor } from "./words.js";

/** What stands above the messages: whose chat it is, and how many are in it. */
export class HeaderView {
  #close = byId("close-chat");
  #chats;
  #texts;
  #words;
  #abort = new AbortController();

  /**
   * @param {import("../chat/chats.js").Chats} chats
   * @param {import("../texts/texts.js").Texts} texts
   * @param {{ back(): void, leave(): void }} on
   */
  constructor(chats, texts, on) {
    this.#chats = chats;
    this.#texts = texts;
    this.#words = wordsFor(texts);
    const { signal } = this.#abort;
    byId("back").addEventListener("click", on.back, { signal });
    this.#close.addEventListener("click", on.leave, { signal });
    for (const type of ["open", "members"]) chats.addEventListener(type, () => this.#draw(), { signal });
  }

  /** Take everything off the page. */
  close() {
    this.#abort.abort();
  }

  #draw() {
    const chat = this.#chats.current;
    const { isEveryone, isDirect, members } = chat;
    const name = this.#words.nameOf(chat);
    badge(byId("chat-badge"), name, !isDirect);
    byId("chat-name").textContent = name;
    byId("chat-about").textContent = isDirect
      ? this.#texts.direct
      : members === null
        ? ""
        : isEveryone
          ? this.#texts.online(members)
          : this.#texts.members(members);
    const label = isDirect ? this.#texts.closeDirect : this.#texts.leaveRoom;
    this.#close.hidden = isEveryone;
    this.#close.title = label;
    this.#close.setAttribute("aria-label", label);
  }
}
