// @ts-check
import { mentions, wordsOf } from "../chat/words.js";
import { byId } from "./dom.js";
import { notifies } from "./settings.js";
import { wordsFor } from "./words.js";

/** The most lines that wait for a screen reader. */
const LINES = 20;
/** The most that is told of a message. */
const LENGTH = 200;

/** Tells of new messages those who do not see them: screen readers, and, if they wish so, whoever looks elsewhere. */
export class Crier {
  #announcer = byId("announcer");
  #chats;
  #texts;
  #words;
  #onOpen;
  #abort = new AbortController();

  /**
   * @param {import("../chat/chats.js").Chats} chats
   * @param {import("../texts/texts.js").Texts} texts
   * @param {(conv: string) => void} onOpen a notification was clicked
   */
  constructor(chats, texts, onOpen) {
    this.#chats = chats;
    this.#texts = texts;
    this.#words = wordsFor(texts);
    this.#onOpen = onOpen;
    const { signal } = this.#abort;
    chats.addEventListener("heard", (event) => this.#heard(/** @type {CustomEvent} */ (event).detail), { signal });
    chats.addEventListener("list", () => this.#entitle(), { signal });
    this.#entitle();
  }

  /** Be silent. */
  close() {
    this.#abort.abort();
    this.#announcer.replaceChildren();
    document.title = "Throng";
  }

  /** @param {{ chat: import("../chat/chat.js").Chat, message: import("../throng/throng.js").Message }} heard */
  #heard({ chat, message }) {
    const { from_user: from } = message;
    const text = wordsOf(message.message).slice(0, LENGTH);
    const isOpen = chat === this.#chats.current;
    this.#announce(isOpen ? this.#texts.said(from, text) : this.#texts.saidIn(from, this.#words.nameOf(chat)));
    const isForMe = chat.isDirect || mentions(text, this.#chats.me);
    const isElsewhere = !document.hasFocus(); // nor has a hidden page
    if (isForMe && isElsewhere && notifies()) this.#notify(chat, from, text);
  }

  /** @param {string} words */
  #announce(words) {
    const line = document.createElement("p");
    line.textContent = words;
    this.#announcer.append(line);
    if (this.#announcer.childElementCount > LINES) this.#announcer.firstElementChild?.remove();
  }

  /**
   * @param {import("../chat/chat.js").Chat} chat
   * @param {string} from
   * @param {string} text
   */
  #notify(chat, from, text) {
    const title = chat.isDirect ? from : this.#texts.said(this.#words.nameOf(chat), from);
    const notification = new Notification(title, { body: text, tag: chat.key });
    notification.onclick = () => {
      window.focus();
      this.#onOpen(chat.conv);
      notification.close();
    };
  }

  #entitle() {
    const { unread } = this.#chats;
    document.title = unread ? `(${unread}) Throng` : "Throng";
  }
}
