// @ts-check
import { sameNick } from "../throng/throng.js";
import { byId, fromTemplate, within } from "./dom.js";
import { itemsOf } from "./items.js";
import { lineElement } from "./line.js";
import { wordsFor } from "./words.js";

/** @typedef {import("./items.js").Item} Item */

/** How far from the end, in pixels, still counts as being there. */
const NEAR_PX = 48;
/** How far from an end, in pixels, what is beyond it is looked up. */
const AHEAD_PX = 600;

/**
 * The messages of the open chat: as many elements as its thread holds lines, each kept while its line is. It draws at most
 * once a frame. While the reader is at the end it follows the newest message; otherwise the line that is being read
 * stays where it is on the screen, whatever comes or goes above and below.
 */
export class MessagesView {
  #scroller = byId("scroller");
  #list = byId("messages");
  #empty = byId("empty");
  #newer = byId("newer");
  #chats;
  #texts;
  #words;
  #frame = 0;
  #atEnd = true;
  /** The newest seq when the reader left the end; what comes after it is counted. */
  #leftAt = 0;
  /** @type {Map<string, { element: HTMLElement, sign: string }>} by key, in order */
  #rows = new Map();
  #abort = new AbortController();
  #resized = new ResizeObserver(() => this.#follow());

  /**
   * @param {import("../chat/chats.js").Chats} chats
   * @param {import("../texts/texts.js").Texts} texts
   * @param {object} on
   * @param {(nick: string) => void} on.pick a nick was chosen
   * @param {(cid: string) => void} on.again
   * @param {(cid: string) => void} on.discard
   * @param {(about: { nick: string, seq: number, mine: boolean }) => void} on.more what can be done about a message was asked for
   */
  constructor(chats, texts, on) {
    this.#chats = chats;
    this.#texts = texts;
    this.#words = wordsFor(texts);
    const { signal } = this.#abort;
    chats.addEventListener("open", () => this.#begin(), { signal });
    chats.addEventListener("list", () => this.#count(), { signal });
    for (const type of ["thread", "fate"]) {
      chats.addEventListener(type, (event) => this.#changed(/** @type {CustomEvent} */ (event).detail), { signal });
    }
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { signal, passive: true });
    this.#newer.addEventListener("click", () => this.toEnd(), { signal });
    this.#list.addEventListener("click", (event) => this.#clicked(event, on), { signal });
    for (const part of [this.#scroller, this.#list]) this.#resized.observe(part);
  }

  /** Go to the newest message and stay with it. */
  toEnd() {
    this.#setAtEnd(true);
    this.#chats.current.thread.latest();
    this.#drawSoon();
  }

  /** Take everything off the page. */
  close() {
    this.#abort.abort();
    this.#resized.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#list.replaceChildren();
    this.#newer.hidden = true;
  }

  /** Another chat is open. */
  #begin() {
    this.#rows.clear();
    this.#list.replaceChildren();
    this.#setAtEnd(true);
    this.#draw();
  }

  /** @param {import("../chat/chat.js").Chat} chat */
  #changed(chat) {
    if (chat === this.#chats.current) this.#drawSoon();
  }

  #drawSoon() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const chat = this.#chats.current;
    const items = itemsOf(chat, this.#chats.parcelsOf(chat), this.#chats.me, this.#chats.isModerator);
    const place = this.#atEnd ? null : this.#place();
    this.#reconcile(items);
    if (place) this.#scroller.scrollTop += (this.#rows.get(place.key)?.element.offsetTop ?? place.top) - place.top;
    this.#empty.hidden = items.length > 0;
    this.#empty.textContent = chat.thread.isReady ? this.#texts.empty : this.#texts.loading;
    this.#follow();
    this.#count();
    this.#lookAhead();
  }

  /** The line at the top of the screen, and where it stands. */
  #place() {
    const { scrollTop } = this.#scroller;
    for (const [key, { element }] of this.#rows) {
      // A divider comes and goes with its neighbours; a line is what one reads.
      if (element.matches(".line") && element.offsetTop + element.offsetHeight > scrollTop) return { key, top: element.offsetTop };
    }
    return null;
  }

  /**
   * Make the elements those of the items, keeping each that is right already.
   * @param {Item[]} items
   */
  #reconcile(items) {
    const wanted = new Set(items.map(({ key }) => key));
    for (const [key, { element }] of this.#rows) if (!wanted.has(key)) element.remove();
    const rows = new Map();
    let next = this.#list.firstElementChild;
    for (const item of items) {
      const known = this.#rows.get(item.key);
      const sign = JSON.stringify(item);
      const element = known?.sign === sign ? known.element : this.#element(item);
      if (known && known.element !== element) {
        if (next === known.element) next = element;
        known.element.replaceWith(element);
      }
      if (element === next) next = next.nextElementSibling;
      else this.#list.insertBefore(element, next);
      rows.set(item.key, { element, sign });
    }
    this.#rows = rows;
  }

  /** @param {Item} item */
  #element(item) {
    if (item.kind === "line") {
      const element = lineElement(item.look, this.#texts, this.#words);
      if (item.cid) element.dataset.cid = item.cid;
      return element;
    }
    const element = fromTemplate("divider-template");
    element.classList.toggle("new", item.kind === "new");
    within(element, "span").textContent = item.kind === "new" ? this.#texts.newFrom : this.#words.day(item.ts);
    return element;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#setAtEnd(scrollHeight - scrollTop - clientHeight <= NEAR_PX && !this.#chats.current.thread.newer);
    this.#count();
    this.#lookAhead();
  }

  /** @param {boolean} atEnd */
  #setAtEnd(atEnd) {
    const { thread } = this.#chats.current;
    if (this.#atEnd && !atEnd) this.#leftAt = this.#chats.current.kept.seen;
    this.#atEnd = thread.isFollowed = atEnd;
    if (atEnd) this.#chats.see();
  }

  /** Look up what is beyond an end that is near. */
  #lookAhead() {
    const { thread } = this.#chats.current;
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    if (clientHeight === 0 || thread.isBusy) return;
    if (!thread.isReady) thread.latest();
    else if (scrollTop < AHEAD_PX && thread.older) thread.up();
    else if (scrollHeight - scrollTop - clientHeight < AHEAD_PX && thread.newer) thread.down();
  }

  #follow() {
    if (this.#atEnd) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** Say how much came since the reader left the end. */
  #count() {
    const { thread, unread } = this.#chats.current;
    const isAway = !this.#atEnd || thread.newer;
    this.#newer.hidden = !isAway;
    const missed = thread.newer
      ? unread
      : thread.lines.filter(({ seq, from_user: from }) => seq > this.#leftAt && !sameNick(from, this.#chats.me)).length;
    within(this.#newer, "span").textContent = isAway ? this.#texts.newer(missed) : "";
  }

  /**
   * @param {Event} event
   * @param {{ pick(nick: string): void, again(cid: string): void, discard(cid: string): void, more(about: { nick: string, seq: number, mine: boolean }): void }} on
   */
  #clicked(event, on) {
    const button = /** @type {Element} */ (event.target).closest("button");
    const cid = /** @type {HTMLElement | null} */ (button?.closest("[data-cid]"))?.dataset.cid;
    if (!button) return;
    const { from, seq, mine } = button.dataset;
    if (from) on.more({ nick: from, seq: Number(seq), mine: mine === "true" });
    else if (button.dataset.nick) on.pick(button.dataset.nick);
    else if (button.matches(".again") && cid) on.again(cid);
    else if (button.matches(".discard") && cid) on.discard(cid);
  }
}
