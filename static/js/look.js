// A learner's terminal as whoever teaches sees it: output alone, in the learner's own size.
import { handleLinks } from "./terminal-links.js";
import { openScreen } from "./terminal-screen.js";
import { TerminalSocket } from "./terminal-socket.js";
import { gettext } from "./words.js";

const GONE = gettext("The machine has ended, or was replaced by another one.");
const CLOSED = {
  4401: gettext("You are signed out. Load the page again."),
  4404: gettext("You may look at this terminal no longer: the class is closed, the seat is given up, or the class does not allow it."),
  4410: GONE,
  4429: gettext("You have too many terminals open. Close some, then load the page again."),
};

const panel = document.querySelector("[data-look-panel]");
const note = document.querySelector("[data-look-note]");
let shown = null;

class Look {
  constructor({ sandbox, machine, terminal, title, learner }) {
    this.learner = learner;
    const host = document.createElement("div");
    host.className = "term-host";
    panel.replaceChildren(host);
    this.term = openScreen(host, title);
    handleLinks(this.term);
    this.term.options.disableStdin = true;
    this.term.options.cursorBlink = false;
    const resize = ([columns, rows]) => this.term.resize(columns, rows);
    this.socket = new TerminalSocket(TerminalSocket.path(sandbox, machine, terminal), {
      write: (bytes, done) => this.term.write(bytes, done),
      // RIS travels in the same queue as the bytes; Terminal.reset() would overtake them.
      reset: (modes, done) => this.term.write(`\x1bc${modes}`, done),
      hello: ({ cols, rows }) => (resize([cols, rows]), this.#say()),
      size: resize,
      recording: () => {},
      pid: () => {},
      exit: () => {},
      error: () => {},
      connected: () => {},
      lost: () => say(gettext("The connection is lost; trying again…"), true),
      ended: (code) => say(CLOSED[code] ?? GONE, true),
    });
  }

  #say() {
    say(gettext("You are looking at this terminal; %(learner)s is told so. Nothing can be typed here.", { learner: this.learner }));
  }

  end() {
    this.socket.end();
    this.term.dispose();
    panel.replaceChildren();
    say("");
  }
}

function say(text, bad = false) {
  note.textContent = text;
  note.classList.toggle("note-bad", bad);
  note.hidden = text === "";
}

/** Look at what the page names now: other machines may have come, or none be there. */
function follow() {
  const wanted = document.querySelector("[data-look]")?.dataset ?? null;
  const key = wanted && [wanted.sandbox, wanted.ready, wanted.machine, wanted.terminal].join(" ");
  if (key === (shown?.key ?? null)) return;
  shown?.look.end();
  shown = key ? { key, look: new Look(wanted) } : null;
}

document.addEventListener("slipway:board", follow);
follow();
