// @ts-check

/** How many rows beyond the visible ones are drawn at either side. */
const MARGIN = 6;
/** So many rows before the end more of them are asked for. */
const NEAR_END = 40;

/**
 * A list of any length of which only the visible rows are in the page. All rows are equally high. Arrow keys move the
 * active row, Enter picks it; the element keeps the focus and names the active row to screen readers.
 * @template T
 */
export class WindowedList {
  #element;
  #options;
  #extent = document.createElement("div");
  /** @type {readonly T[]} */
  #items = [];
  /** @type {Map<number, HTMLElement>} by index */
  #rows = new Map();
  #active = -1;
  #frame = 0;
  #abort = new AbortController();
  #resized = new ResizeObserver(() => this.#drawSoon());

  /**
   * @param {HTMLElement} element with role listbox
   * @param {object} options
   * @param {number} options.height of a row, in rem
   * @param {() => HTMLElement} options.make an empty row
   * @param {(row: HTMLElement, item: T) => void} options.fill
   * @param {(item: T) => void} options.onPick
   * @param {(item: T) => boolean} [options.isChosen]
   * @param {() => void} [options.onNearEnd]
   */
  constructor(element, options) {
    this.#element = element;
    this.#options = options;
    this.#extent.className = "extent";
    this.#extent.role = "presentation";
    element.append(this.#extent);
    const { signal } = this.#abort;
    element.addEventListener("scroll", () => this.#drawSoon(), { signal, passive: true });
    element.addEventListener("keydown", (event) => this.key(event), { signal });
    element.addEventListener("click", (event) => this.#clicked(event), { signal });
    this.#resized.observe(element);
  }

  get items() {
    return this.#items;
  }

  /** @param {readonly T[]} items */
  set items(items) {
    this.#items = items;
    this.#active = Math.min(this.#active, items.length - 1);
    this.#drawSoon();
  }

  /** The row that Enter picks; -1 for none. */
  get active() {
    return this.#active;
  }

  set active(index) {
    this.#active = Math.max(-1, Math.min(index, this.#items.length - 1));
    this.#reveal();
    this.#drawSoon();
  }

  /** Take everything off the page. */
  close() {
    this.#abort.abort();
    this.#resized.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#extent.remove();
  }

  /**
   * A key was pressed, here or in a field that steers the list.
   * @param {KeyboardEvent} event
   */
  key(event) {
    const page = Math.max(1, Math.floor(this.#element.clientHeight / this.#height) - 1);
    const isField = event.target instanceof HTMLInputElement;
    /** @type {Record<string, number>} */
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    if (!isField) Object.assign(steps, { Home: -Infinity, End: Infinity });
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in steps) {
      event.preventDefault();
      const last = this.#items.length - 1;
      this.active = Math.max(Math.min(this.#active + steps[event.key], last), Math.min(0, last));
    } else if (event.key === "Enter" && this.#items[this.#active] !== undefined) {
      event.preventDefault();
      this.#options.onPick(this.#items[this.#active]);
    }
  }

  get #height() {
    return this.#options.height * parseFloat(getComputedStyle(document.documentElement).fontSize);
  }

  #drawSoon() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const height = this.#height;
    const { scrollTop, clientHeight } = this.#element;
    this.#extent.style.height = `${height * this.#items.length}px`;
    const first = Math.max(0, Math.floor(scrollTop / height) - MARGIN);
    const end = Math.min(this.#items.length, Math.ceil((scrollTop + clientHeight) / height) + MARGIN);
    for (const [index, row] of this.#rows) {
      if (index >= first && index < end) continue;
      row.remove();
      this.#rows.delete(index);
    }
    for (let index = first; index < end; index++) this.#place(index, height);
    const active = this.#rows.get(this.#active);
    this.#steered().forEach((it) => {
      if (active) it.setAttribute("aria-activedescendant", active.id);
      else it.removeAttribute("aria-activedescendant");
    });
    if (clientHeight > 0 && end > this.#items.length - NEAR_END) this.#options.onNearEnd?.();
  }

  /**
   * @param {number} index
   * @param {number} height
   */
  #place(index, height) {
    let row = this.#rows.get(index);
    if (!row) {
      row = this.#options.make();
      row.id = `${this.#element.id}-${index}`;
      row.role = "option";
      row.dataset.index = String(index);
      row.style.height = `${height}px`;
      row.style.top = `${index * height}px`;
      this.#rows.set(index, row);
      this.#extent.append(row);
    }
    const item = this.#items[index];
    this.#options.fill(row, item);
    row.classList.toggle("active", index === this.#active);
    row.setAttribute("aria-selected", String(this.#options.isChosen?.(item) ?? index === this.#active));
    row.setAttribute("aria-setsize", String(this.#items.length));
    row.setAttribute("aria-posinset", String(index + 1));
  }

  /** The elements that keep the focus while rows are active: the list, and a field that steers it. */
  #steered() {
    return [this.#element, ...document.querySelectorAll(`[role="combobox"][aria-controls="${this.#element.id}"]`)];
  }

  #reveal() {
    if (this.#active < 0) return;
    const height = this.#height;
    const top = this.#active * height;
    const { scrollTop, clientHeight } = this.#element;
    if (top < scrollTop) this.#element.scrollTop = top;
    else if (top + height > scrollTop + clientHeight) this.#element.scrollTop = top + height - clientHeight;
  }

  /** @param {Event} event */
  #clicked(event) {
    const row = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[role=option]"));
    const item = row && this.#items[Number(row.dataset.index)];
    if (!item) return;
    this.#active = Number(row.dataset.index);
    this.#options.onPick(item);
  }
}
