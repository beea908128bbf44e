// Questions that programs ask a terminal: what are you, where is the cursor, which colour.
// xterm answers them by itself, as if the answer had been typed. Here is decided whether it may.

const COLOUR_OSCS = [4, 10, 11, 12];
// Device attributes, status and cursor reports, modes, the terminal's version, its keyboard,
// window reports (ECMA-48, DEC STD 070 and "XTerm Control Sequences").
const QUESTIONS = [
  { final: "c" },
  { prefix: ">", final: "c" },
  { prefix: "=", final: "c" },
  { final: "n" },
  { prefix: "?", final: "n" },
  { intermediates: "$", final: "p" },
  { prefix: "?", intermediates: "$", final: "p" },
  { prefix: ">", final: "q" },
  { prefix: "?", final: "u" },
];
const WINDOW = { final: "t" };
const SETTING = { intermediates: "$", final: "q" };
const CAPABILITY = { intermediates: "+", final: "q" };

/**
 * Guards the questions of one terminal. `mayAnswer()` is asked at each: false while output
 * that was there before is shown once more (the program got its answer then), and where
 * another tab answers for this terminal.
 */
export class TerminalQueries {
  #mayAnswer;

  constructor(term, mayAnswer) {
    this.#mayAnswer = mayAnswer;
    /** Whether what xterm sends at this moment answers a program, and was not typed. */
    this.answering = false;
    const { parser } = term;
    const ask = () => this.#ask();
    for (const id of QUESTIONS) parser.registerCsiHandler(id, ask);
    for (const id of [SETTING, CAPABILITY]) parser.registerDcsHandler(id, ask);
    for (const code of COLOUR_OSCS) {
      parser.registerOscHandler(code, (data) => data.split(";").includes("?") && this.#ask());
    }
    // Reports of title, size and place on the screen: a title is text that a program chose,
    // and its report would type that text. No program of a lesson needs any of them.
    parser.registerCsiHandler(WINDOW, () => true);
  }

  /** True swallows the question. */
  #ask() {
    if (!this.#mayAnswer()) return true;
    this.answering = true;
    // xterm's own handler follows within this turn of the event loop; keys come in others.
    queueMicrotask(() => (this.answering = false));
    return false;
  }
}
