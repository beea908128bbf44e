// xterm's colours, read from the design tokens so that no colour is named twice.

/** The xterm theme as the tokens on `element` stand now. */
export function terminalTheme(element) {
  const styles = getComputedStyle(element);
  const token = (name) => styles.getPropertyValue(`--term${name}`).trim();
  const [red, green, yellow] = [token("-bad"), token("-ok"), token("-box")];
  const [blue, magenta, cyan] = [token("-blue"), token("-house"), token("-line")];
  return {
    background: token(""),
    foreground: token("-ink"),
    cursor: token("-ink"),
    cursorAccent: token(""),
    selectionBackground: token("-rule"),
    black: token("-2"),
    white: token("-ink"),
    brightBlack: token("-dim"),
    brightWhite: token("-bright"),
    red, green, yellow, blue, magenta, cyan,
    brightRed: red, brightGreen: green, brightYellow: yellow,
    brightBlue: blue, brightMagenta: magenta, brightCyan: cyan,
  };
}

/** The font the tokens give to what a machine said. */
export function terminalFont(element) {
  return getComputedStyle(element).getPropertyValue("--font-code").trim();
}
