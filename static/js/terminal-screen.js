// The xterm.js instance of a terminal: options, fonts, colours, the fast renderer.
import { Terminal } from "../vendor/xterm/xterm.mjs";
import { Unicode11Addon } from "../vendor/addon-unicode11/addon-unicode11.mjs";
import { WebglAddon } from "../vendor/addon-webgl/addon-webgl.mjs";
import { recall } from "./kept.js";
import { terminalFont, terminalTheme } from "./terminal-colours.js";

const SCROLLBACK_LINES = 5000;
const USUAL_PX = 14;

/** Open a terminal in `host` with the text size and reader mode kept in this browser. */
export function openScreen(host, machine) {
  const term = new Terminal({
    allowProposedApi: true,
    cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    fontFamily: terminalFont(host),
    fontSize: Number(recall("terminal-px", USUAL_PX)) || USUAL_PX,
    lineHeight: 1.2,
    scrollback: SCROLLBACK_LINES,
    screenReaderMode: recall("terminal-reader") === "true",
    theme: terminalTheme(host),
  });
  term.loadAddon(new Unicode11Addon());
  term.unicode.activeVersion = "11";
  term.open(host);
  drawFast(term);
  term.textarea?.setAttribute("aria-label", `Terminal of ${machine}`);
  term.textarea?.setAttribute("aria-description", "Press F6 to leave the terminal.");
  return term;
}

/** WebGL where there is one; a lost context or none leaves the DOM renderer. */
function drawFast(term) {
  try {
    const webgl = new WebglAddon();
    webgl.onContextLoss(() => webgl.dispose());
    term.loadAddon(webgl);
  } catch {
    // No WebGL 2 in this browser: drawing by DOM is slower and looks the same.
  }
}
