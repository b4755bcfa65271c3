// @ts-check
import { Chat } from "./chat.js";
import { Connection } from "./connection.js";
import { socketAddress } from "./nick.js";
import { explain, textsFor } from "./strings.js";
import { ComposerView } from "./view/composer.js";
import { byId, localise } from "./view/dom.js";
import { LoginView } from "./view/login.js";
import { MessagesView } from "./view/messages.js";
import { OutboxView } from "./view/outbox.js";
import { StatusView } from "./view/status.js";

/** The page: it makes model, connection and views, and passes on what each tells. */
class Page {
  #texts = textsFor(navigator.languages);
  #login = new LoginView(this.#texts, (nick) => this.#join(nick));
  #status = new StatusView(this.#texts, () => this.#connection?.start());
  /** @type {Chat | null} */
  #chat = null;
  /** @type {Connection | null} */
  #connection = null;
  /** @type {{ close(): void }[]} */
  #views = [];

  constructor() {
    document.documentElement.lang = this.#texts.language;
    localise(document, this.#texts);
    byId("leave").addEventListener("click", () => this.#leave());
    window.addEventListener("online", () => this.#hurry());
    window.addEventListener("offline", () => this.#connection && this.#status.show(this.#connection.state));
    window.addEventListener("beforeunload", (event) => {
      if (this.#chat?.parcels.length) event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => this.#looked());
    setInterval(() => {
      this.#chat?.tick();
      this.#status.tick();
    }, 1000);
    this.#login.ask();
  }

  /** @param {string} nick */
  #join(nick) {
    const address = socketAddress(nick, document.baseURI);
    if (!address) {
      this.#login.ask(this.#texts.unusable);
      return;
    }
    this.#login.wait();
    this.#connection = new Connection({
      address,
      onState: (state) => this.#changed(state, nick),
      onFrame: (frame) => this.#chat?.receive(frame),
    });
    this.#connection.start();
  }

  /**
   * @param {import("./connection.js").State} state
   * @param {string} nick
   */
  #changed(state, nick) {
    if (state.name === "online" && !this.#chat) this.#enter(nick);
    if (!this.#chat) {
      if (state.name === "stopped" && state.why) this.#login.ask(explain(this.#texts, state.why));
      return;
    }
    this.#status.show(state);
    if (state.name === "online") {
      if (state.again) this.#chat.note(this.#texts.reconnected);
      this.#chat.connected();
    } else {
      this.#chat.disconnected();
    }
    // The end of a connection stays in the list; a vain try to come back is told by the
    // banner alone.
    const why = "why" in state ? state.why : null;
    if (why?.kind === "closed") this.#chat.note(explain(this.#texts, why));
  }

  /**
   * The nick is taken: show the chat.
   * @param {string} nick
   */
  #enter(nick) {
    const chat = new Chat({ me: nick, send: (frame) => this.#connection?.send(frame) ?? false });
    chat.setAway(document.hidden);
    chat.addEventListener("unread", () => this.#entitle());
    this.#chat = chat;
    this.#login.leave();
    byId("chat").hidden = false;
    this.#status.setNick(nick);
    const messages = new MessagesView(chat, this.#texts, (picked) => composer.address(picked));
    const composer = new ComposerView(chat, this.#texts, () => messages.toEnd());
    this.#views = [messages, composer, new OutboxView(chat, this.#texts)];
  }

  #leave() {
    if (this.#chat?.parcels.length && !confirm(this.#texts.leaveUnsent)) return;
    this.#chat = null;
    this.#connection?.stop();
    this.#connection = null;
    for (const view of this.#views) view.close();
    this.#views = [];
    byId("chat").hidden = true;
    this.#entitle();
    this.#login.ask();
  }

  #looked() {
    if (this.#chat) this.#chat.setAway(document.hidden);
    if (!document.hidden) this.#hurry();
  }

  /** Something says that a try may succeed now. */
  #hurry() {
    if (this.#connection?.state.name === "waiting") this.#connection.start();
  }

  #entitle() {
    const unread = this.#chat?.unread ?? 0;
    document.title = unread ? `(${unread}) Throng` : "Throng";
  }
}

new Page();
