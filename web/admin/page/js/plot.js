// @ts-check

import { el, svg } from "./dom.js";

const width = 320, height = 150, left = 0, bottom = 18, top = 14;
const span = 10 * 60 * 1000;

/**
 * A number that is good to read and not less than another.
 * @param {number} most
 * @param {number} base 1024: a power of two
 */
function ceiling(most, base) {
  if (base === 1024) return 2 ** Math.max(10, Math.ceil(Math.log2(Math.max(most, 1))));
  if (!(most > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(most));
  return unit * (/** @type {number} */ ([1, 2, 2.5, 5, 10].find((n) => n * unit >= most)));
}

/**
 * A plot of the last ten minutes.
 * @param {string} title
 * @param {{ name: string, values: (number | null)[] }[]} lines
 * @param {number[]} at when, ms since 1970
 * @param {(n: number) => string} format
 * @param {number} [base] 1024 for bytes
 */
export function plot(title, lines, at, format, base = 10) {
  const end = at.at(-1) ?? Date.now();
  const most = ceiling(Math.max(...lines.flatMap((l) => l.values.map((v) => v ?? 0))), base);
  const x = (/** @type {number} */ t) => left + (1 - (end - t) / span) * (width - left);
  const y = (/** @type {number} */ v) => top + (1 - v / most) * (height - top - bottom);
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title}, the last ten minutes` });
  for (const share of [0, 0.5, 1]) {
    drawing.append(
      svg("line", { class: "grid", x1: left, x2: width, y1: y(share * most), y2: y(share * most) }),
      svg("text", { x: left, y: y(share * most) - 3 }, share ? format(share * most) : ""));
  }
  for (const minutes of [10, 5]) {
    drawing.append(svg("text", { x: x(end - minutes * 60_000), y: height - 4, "text-anchor": minutes === 10 ? "start" : "middle" }, `−${minutes} min`));
  }
  drawing.append(svg("text", { x: width, y: height - 4, "text-anchor": "end" }, "now"));
  lines.forEach((line, i) => {
    for (const part of parts(line.values, at, end - span)) {
      const path = part.map(([t, v], j) => `${j ? "L" : "M"}${x(t).toFixed(1)} ${y(v).toFixed(1)}`).join("");
      if (i === 0 && part.length > 1) {
        const base = y(0).toFixed(1);
        drawing.append(svg("path", { class: "area c0", d: `${path}L${x(part[part.length - 1][0]).toFixed(1)} ${base}L${x(part[0][0]).toFixed(1)} ${base}Z` }));
      }
      drawing.append(svg("path", { class: `line c${i}`, d: path }));
    }
    const last = line.values.at(-1);
    if (last !== null && last !== undefined) drawing.append(svg("circle", { class: `dot c${i}`, cx: x(end), cy: y(last), r: 4 }));
  });
  return el("div.card.plot", {}, el("h2", {}, title),
    el("p.legend", {}, ...lines.map((l, i) => el(`span.c${i}`, {}, `${l.name} ${format(l.values.findLast((v) => v !== null) ?? 0)}`))), drawing);
}

/**
 * The stretches in which something was measured.
 * @param {(number | null)[]} values
 * @param {number[]} at
 * @param {number} from
 */
function parts(values, at, from) {
  /** @type {[number, number][][]} */
  const all = [[]];
  values.forEach((v, i) => {
    if (v === null || at[i] < from) all.push([]);
    else all[all.length - 1].push([at[i], v]);
  });
  return all.filter((p) => p.length > 0);
}
