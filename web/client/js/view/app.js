// @ts-check
import { Chats } from "../chat/chats.js";
import { ThrongError, directConv, partsOf } from "../throng/throng.js";
import { Store, lasting } from "../throng/store.js";
import { explainError } from "../texts/texts.js";
import { ComposerView } from "./composer.js";
import { Crier } from "./crier.js";
import { byId } from "./dom.js";
import { HeaderView } from "./header.js";
import { MessagesView } from "./messages.js";
import { ModeratorView } from "./moderator.js";
import { MotdView } from "./motd.js";
import { PeopleView } from "./people.js";
import { SettingsView } from "./settings.js";
import { SidebarView } from "./sidebar.js";
import { StatusView } from "./status.js";
import { SwitcherView } from "./switcher.js";
import { toast } from "./toast.js";

/** The chat after the login: it makes the views and passes on what each tells. */
export class App {
  #root = byId("app");
  #throng;
  #texts;
  #chats;
  #status;
  #composer;
  #messages;
  #sidebar;
  #switcher;
  #people;
  #views;
  #abort = new AbortController();

  /**
   * @param {import("../throng/throng.js").Throng} throng
   * @param {import("../texts/texts.js").Texts} texts
   * @param {() => void} onLeave somebody wants to log out
   */
  constructor(throng, texts, onLeave) {
    this.#throng = throng;
    this.#texts = texts;
    const chats = (this.#chats = new Chats(throng, new Store(lasting(), throng.nick)));
    const direct = (/** @type {string} */ nick) => this.#open(directConv(nick));
    this.#root.hidden = false;
    this.#status = new StatusView(throng.nick, texts, () => throng.start());
    this.#composer = new ComposerView(chats, texts, { said: () => this.#messages.toEnd(), escape: () => this.#back() });
    const moderator = new ModeratorView(chats, throng, texts, (error) => this.#tell(error));
    this.#messages = new MessagesView(chats, texts, {
      pick: direct,
      again: (cid) => throng.sayAgain(cid),
      discard: (cid) => throng.discard(cid),
      more: (about) => moderator.open(about),
    });
    this.#sidebar = new SidebarView(chats, texts, (chat) => this.#open(chat.conv));
    this.#switcher = new SwitcherView(chats, throng, texts, (goal) => this.#go(goal));
    this.#people = new PeopleView(chats, throng, texts, direct, (nick) => moderator.open({ nick, seq: 0, mine: false }));
    const header = new HeaderView(chats, texts, { back: () => this.#back(), leave: () => this.#leaveChat() });
    const crier = new Crier(chats, texts, (conv) => this.#open(conv));
    this.#views = [this.#status, this.#composer, this.#messages, this.#sidebar, this.#switcher, this.#people, header,
      crier, moderator, new MotdView(throng), new SettingsView(texts, onLeave)];
    this.#listen();
    chats.look(!document.hidden);
    chats.reopen();
    this.#pane("chat");
    this.#focus();
  }

  /** Take everything off the page. */
  close() {
    this.keep();
    this.#abort.abort();
    for (const view of this.#views) view.close();
    this.#root.hidden = true;
  }

  /** Write to the storage now: the page may be about to go. */
  keep() {
    this.#chats.keep();
    this.#throng.keep();
  }

  /** @param {import("../throng/throng.js").State} state */
  show(state) {
    this.#status.show(state);
    if (state.name !== "online") return;
    this.#status.setNick(this.#throng.nick);
    if (state.again) toast(this.#texts.backOnline);
  }

  #listen() {
    const { signal } = this.#abort;
    document.addEventListener("keydown", (event) => this.#key(event), { signal });
    document.addEventListener("visibilitychange", () => this.#chats.look(!document.hidden), { signal });
    window.addEventListener("popstate", () => this.#pane("list"), { signal });
    this.#throng.addEventListener("fault", (event) => this.#tell(/** @type {CustomEvent} */ (event).detail), { signal });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.#switcher.open();
  }

  /** @param {string} conv */
  #open(conv) {
    this.#chats.open(conv);
    if (isNarrow()) this.#people.hide();
    this.#pane("chat");
    this.#focus();
  }

  /** Begin to write, unless that would cover the chat with a keyboard. */
  #focus() {
    if (!isNarrow()) this.#composer.focus();
  }

  /** @param {{ conv: string, isNew: boolean }} goal */
  async #go({ conv, isNew }) {
    if (!isNew) {
      this.#open(conv);
      return;
    }
    try {
      await this.#chats.join(partsOf(conv).name);
      this.#pane("chat");
      this.#focus();
    } catch (error) {
      this.#tell(error);
    }
  }

  async #leaveChat() {
    try {
      await this.#chats.leave(this.#chats.current);
      this.#back();
    } catch (error) {
      this.#tell(error);
    }
  }

  /** From the open chat to the list. */
  #back() {
    if (isNarrow() && history.state?.pane === "chat") history.back();
    else this.#pane("list");
    this.#sidebar.focus();
  }

  /**
   * Show the list or the chat where there is room for one of them only. The way back is the browser's, too.
   * @param {"list" | "chat"} pane
   */
  #pane(pane) {
    if (pane === "chat" && isNarrow() && history.state?.pane !== "chat") history.pushState({ pane }, "");
    this.#root.dataset.pane = pane;
  }

  /** @param {unknown} error */
  #tell(error) {
    if (!(error instanceof ThrongError)) throw error;
    toast(explainError(this.#texts, error));
  }
}

/** Whether the page is a telephone's; the style sheet has the same limit. */
function isNarrow() {
  return matchMedia("(max-width: 44rem)").matches;
}
