// The xterm.js instance of a terminal: options, fonts, colours, the fast renderer.
import { Terminal } from "../vendor/xterm/xterm.mjs";
import { Unicode11Addon } from "../vendor/addon-unicode11/addon-unicode11.mjs";
import { WebglAddon } from "../vendor/addon-webgl/addon-webgl.mjs";
import { terminalFont, terminalTheme } from "./terminal-colours.js";
import { settings } from "./terminal-settings.js";
import { gettext } from "./words.js";

const SCROLLBACK_LINES = 5000;
// Contrast of text against its ground, from WCAG 2: AA, and AAA where high contrast is asked for.
const USUAL_CONTRAST = 4.5;
const HIGH_CONTRAST = 7;

function chosen(host) {
  return {
    cursorBlink: !settings.on("still"),
    fontSize: settings.fontPx,
    minimumContrastRatio: settings.on("contrast") ? HIGH_CONTRAST : USUAL_CONTRAST,
    screenReaderMode: settings.on("reader"),
    theme: terminalTheme(host),
  };
}

/** Open a terminal in `host` as the learner has set it. */
export function openScreen(host, name) {
  const term = new Terminal({
    allowProposedApi: true,
    fontFamily: terminalFont(host),
    lineHeight: 1.2,
    scrollback: SCROLLBACK_LINES,
    ...chosen(host),
  });
  term.loadAddon(new Unicode11Addon());
  term.unicode.activeVersion = "11";
  term.open(host);
  drawFast(term);
  term.textarea?.setAttribute("aria-label", gettext("Terminal of %(name)s", { name }));
  term.textarea?.setAttribute("aria-description", gettext("Press F6 to leave the terminal."));
  return term;
}

/** Take over what the learner has set since. */
export function applySettings(term, host) {
  Object.assign(term.options, chosen(host));
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
