// @ts-check
import { prefer, preference } from "../preferences.js";
import { byId } from "./dom.js";

/** Let the page look as was chosen. */
export function applyTheme() {
  const theme = preference("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

/** What somebody may choose, and the way out. */
export class SettingsView {
  #dialog = /** @type {HTMLDialogElement} */ (byId("settings"));
  #theme = /** @type {HTMLSelectElement} */ (byId("theme"));
  #language = /** @type {HTMLSelectElement} */ (byId("language"));
  #notify = /** @type {HTMLInputElement} */ (byId("notify"));
  #error = byId("notify-error");
  #texts;
  #abort = new AbortController();

  /**
   * @param {import("../texts/texts.js").Texts} texts
   * @param {() => void} onLeave
   */
  constructor(texts, onLeave) {
    this.#texts = texts;
    const { signal } = this.#abort;
    byId("menu").addEventListener("click", () => this.#open(), { signal });
    byId("leave").addEventListener("click", onLeave, { signal });
    this.#theme.addEventListener("change", () => this.#themed(), { signal });
    this.#language.addEventListener("change", () => this.#spoken(), { signal });
    this.#notify.addEventListener("change", () => this.#notified(), { signal });
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close(), { signal });
  }

  /** Take everything off the page. */
  close() {
    this.#abort.abort();
    this.#dialog.close();
  }

  #open() {
    this.#theme.value = preference("theme") || "auto";
    this.#language.value = preference("language");
    this.#notify.checked = notifies();
    this.#error.textContent = "";
    this.#dialog.showModal();
  }

  #themed() {
    prefer("theme", this.#theme.value);
    applyTheme();
  }

  /** All that the page says changes; what it shows is kept, so it may begin anew. */
  #spoken() {
    prefer("language", this.#language.value);
    location.reload();
  }

  /** Browsers let a page ask only when somebody has just pressed something. */
  async #notified() {
    const wanted = this.#notify.checked;
    const allowed = wanted && "Notification" in window && (await Notification.requestPermission()) === "granted";
    prefer("notify", allowed ? "yes" : "");
    this.#notify.checked = allowed;
    this.#error.textContent = wanted && !allowed ? this.#texts.notificationsDenied : "";
  }
}

/** Whether notifications are wanted and allowed. */
export function notifies() {
  return preference("notify") === "yes" && "Notification" in window && Notification.permission === "granted";
}
