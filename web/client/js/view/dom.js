// @ts-check

/**
 * The element with an id. A missing one is a fault of the page, not of its user.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (element);
}

/**
 * The first element within another that a selector finds.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {ParentNode} parent
 * @param {string} selector
 * @returns {T}
 */
export function within(parent, selector) {
  const element = parent.querySelector(selector);
  if (!element) throw new Error(`no ${selector} where one was expected`);
  return /** @type {T} */ (element);
}

/**
 * A copy of the one element that a <template> holds.
 * @param {string} id
 */
export function fromTemplate(id) {
  const template = /** @type {HTMLTemplateElement} */ (byId(id));
  return /** @type {HTMLElement} */ (document.importNode(template.content, true).firstElementChild);
}

/**
 * Put the texts of a language where the page names them: data-text for the content,
 * data-label for the accessible name, which a button of icons also shows when it is pointed at, data-placeholder for an empty field's hint.
 * @param {ParentNode} root
 * @param {Record<string, unknown>} texts
 */
export function localise(root, texts) {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (
    root.querySelectorAll("[data-text], [data-label], [data-placeholder]")
  )) {
    const { text, label, placeholder } = element.dataset;
    if (text) element.textContent = String(texts[text]);
    if (label) element.setAttribute("aria-label", String(texts[label]));
    if (label && element.matches("button")) element.title = String(texts[label]);
    if (placeholder) element.setAttribute("placeholder", String(texts[placeholder]));
  }
  for (const template of root.querySelectorAll("template")) localise(template.content, texts);
}
