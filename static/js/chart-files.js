// A drawing as PNG, its numbers as CSV: made in the browser from what is on the page.
import { h } from "./markup.js";
import { gettext } from "./words.js";

const COPIED = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font", "text-anchor", "opacity"];
const SCALE = 2;
const MARGIN = 16;

function save(name, url) {
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

/** A copy that needs no style sheet: what the page's styles gave each element is written into it. */
function alone(svg) {
  const copy = svg.cloneNode(true);
  const from = [svg, ...svg.querySelectorAll("*")];
  const to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((element, index) => {
    const style = getComputedStyle(element);
    for (const name of COPIED) {
      const value = style.getPropertyValue(name);
      // A pattern is named with the page's address, which the copy has not.
      if (value) to[index].style.setProperty(name, value.replace(/url\("[^"]*#/, 'url("#'));
    }
  });
  const { width, height } = svg.getBoundingClientRect();
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

async function png(svg, name) {
  const { text, width, height } = alone(svg);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = h("canvas", { width: (width + 2 * MARGIN) * SCALE, height: (height + 2 * MARGIN) * SCALE });
  const context = canvas.getContext("2d");
  context.scale(SCALE, SCALE);
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--raised");
  context.fillRect(0, 0, width + 2 * MARGIN, height + 2 * MARGIN);
  context.drawImage(image, MARGIN, MARGIN, width, height);
  save(`${name}.png`, canvas.toDataURL("image/png"));
}

const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Rows of cells as CSV text (RFC 4180). */
export function csv(rows) {
  return rows.map((row) => row.map((cell) => quoted(String(cell ?? ""))).join(",")).join("\r\n") + "\r\n";
}

/** Every measured value, one a row. */
export function valueRows(values) {
  const head = ["subject", "name", "value", "unit", "emulated", "taken_at", "how"];
  return [head, ...values.map((value) => head.map((column) => value[column]))];
}

/** Buttons that save the drawing in `figure` and the rows that `rows()` gives. */
export function saveButtons(figure, name, rows) {
  const text = () => `data:text/csv;charset=utf-8,${encodeURIComponent(csv(rows()))}`;
  const button = (label, onclick) => h("button", { class: "btn btn-small", type: "button", onclick }, label);
  return h("p", { class: "acts chart-files" },
    button(gettext("Save the drawing (PNG)"), () => png(figure.querySelector("svg.chart"), name)),
    button(gettext("Save the numbers (CSV)"), () => save(`${name}.csv`, text())));
}
