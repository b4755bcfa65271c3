// @ts-check

/**
 * An element with properties and children. Text comes in as text nodes alone, and nothing is ever parsed as HTML.
 * @param {string} name of the element, with classes: "p.faint.small"
 * @param {Record<string, any>} [properties] of the element; data-… and aria-… become attributes, on… listeners
 * @param {...(Node | string | number | null | undefined | false)} children
 */
export function el(name, properties = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  element.classList.add(...classes);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key.includes("-")) element.setAttribute(key, String(value));
    else /** @type {any} */ (element)[key] = value;
  }
  for (const child of children) {
    if (child || child === 0) element.append(typeof child === "number" ? String(child) : child);
  }
  return element;
}

/**
 * An element of SVG with attributes.
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/** @param {string} id */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * A table. Columns whose name ends with # hold numbers, those with ~ what is not to be broken; one without a name holds buttons.
 * @param {string[]} columns
 * @param {(Node | string | number)[][]} rows
 * @param {string} empty is said when there are none
 */
export function table(columns, rows, empty) {
  if (rows.length === 0) return el("p.empty", {}, empty);
  const kinds = columns.map((c) => (c.endsWith("#") ? ".number" : c.endsWith("~") ? ".whole" : c === "" ? ".actions" : ""));
  return el("div.scroll", {}, el("table", {},
    el("thead", {}, el("tr", {}, ...columns.map((c, i) => el(`th${kinds[i]}`, { scope: "col" }, c.replace(/[#~]$/, ""))))),
    el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((cell, i) => el(`td${kinds[i]}`, {}, cell)))))));
}

/**
 * Terms and what they are.
 * @param {[string, Node | string | number][]} facts
 */
export function facts(facts) {
  return el("dl.facts", {}, ...facts.flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]));
}

let hiding = 0;

/** @param {string} text is shown for a while */
export function toast(text) {
  const line = byId("toast");
  line.textContent = text;
  line.hidden = false;
  clearTimeout(hiding);
  hiding = window.setTimeout(() => (line.hidden = true), 4000);
}
