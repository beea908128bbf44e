// Building SVG drawings. Widths are percentages and text is in px, so text keeps its size at any width.

const SVG = "http://www.w3.org/2000/svg";

/** Make an SVG element: `s("rect", {x: "5%"}, child)`. Text goes in as text nodes. */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const percent = (share) => `${Math.round(share * 10000) / 100}%`;

let drawings = 0;

/** A drawing with a title and a description for those who don't see it. */
export function drawing(height, name, description, ...parts) {
  const id = `drawing-${(drawings += 1)}`;
  return s("svg", { class: "chart", height, role: "img", "aria-labelledby": `${id}-t ${id}-d` },
    s("title", { id: `${id}-t` }, name), s("desc", { id: `${id}-d` }, description), ...parts);
}

/** The hatch that marks a kernel being booted; each drawing has its own, so that it can be saved alone. */
export function hatch(id) {
  return s("defs", {}, s("pattern", { id, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    s("rect", { width: 7, height: 7, class: "hatch-ground" }), s("rect", { width: 2.5, height: 7, class: "hatch-line" })));
}

/** A hollow diamond at a share of the width: what somebody guessed. */
export function diamond(share, y) {
  return s("svg", { x: percent(share), y, overflow: "visible" }, s("path", { class: "guess", d: "M0-6 6 0 0 6-6 0z" }));
}

/** The end of an axis: the first of 1, 2, 2.5, 5, 10… that holds `largest`. */
export function axisEnd(largest) {
  const size = 10 ** Math.floor(Math.log10(largest || 1));
  return [1, 2, 2.5, 5, 10].map((step) => step * size).find((end) => end >= largest * 0.999);
}
