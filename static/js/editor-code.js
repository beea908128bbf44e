// The text of the editor: CodeMirror with the site's colours and the languages of the lessons.
import * as cm from "../vendor/codemirror/codemirror.mjs";
import { gettext } from "./words.js";

const LANGUAGES = [
  [/^(Dockerfile|Containerfile)(\..+)?$|\.dockerfile$/i, () => cm.StreamLanguage.define(cm.dockerFile)],
  [/\.ya?ml$/i, () => cm.yaml()],
  [/\.py$/i, () => cm.python()],
  [/\.(ba|z)?sh$|^\.(bash|z)rc$|^\.profile$|^\.bash_[a-z]+$/i, () => cm.StreamLanguage.define(cm.shell)],
  [/\.(md|markdown)$/i, () => cm.markdown()],
  [/\.json$/i, () => cm.json()],
];

const colours = cm.HighlightStyle.define([
  { tag: [cm.tags.keyword, cm.tags.modifier, cm.tags.operatorKeyword], color: "var(--code-word)", fontWeight: "600" },
  { tag: [cm.tags.string, cm.tags.special(cm.tags.string)], color: "var(--code-text)" },
  { tag: [cm.tags.number, cm.tags.bool, cm.tags.null, cm.tags.atom], color: "var(--code-value)" },
  { tag: [cm.tags.comment, cm.tags.meta], color: "var(--code-quiet)", fontStyle: "italic" },
  { tag: [cm.tags.propertyName, cm.tags.definition(cm.tags.variableName), cm.tags.heading, cm.tags.function(cm.tags.variableName)], color: "var(--code-name)" },
  { tag: cm.tags.heading, fontWeight: "700" },
  { tag: cm.tags.strong, fontWeight: "700" },
  { tag: cm.tags.emphasis, fontStyle: "italic" },
  { tag: cm.tags.link, textDecoration: "underline" },
]);

/** The name of the language that a file of this name is coloured as; null for plain text. */
export function languageOf(name) {
  return LANGUAGES.find(([pattern]) => pattern.test(name))?.[1]() ?? null;
}

/** One view for all open files. `save()` is Ctrl+S, `changed()` comes after each change. */
export class CodeView {
  constructor(parent, { save, changed }) {
    this.handlers = { save, changed };
    this.view = new cm.EditorView({ parent });
  }

  /** A file's state: its text, language and history. Line ends stay as the file has them. */
  open(name, text) {
    const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
    const language = languageOf(name);
    const unit = /\.py$/.test(name) ? "    " : "  ";
    return cm.EditorState.create({
      doc: text,
      extensions: [
        cm.EditorState.lineSeparator.of(lineEnd),
        cm.lineNumbers(), cm.highlightActiveLine(), cm.highlightActiveLineGutter(), cm.highlightSpecialChars(),
        cm.history(), cm.drawSelection(), cm.bracketMatching(), cm.indentOnInput(), cm.indentUnit.of(unit),
        cm.search({ top: true }), cm.highlightSelectionMatches(),
        cm.syntaxHighlighting(colours), language ?? [],
        cm.keymap.of([
          { key: "Mod-s", preventDefault: true, run: () => (this.handlers.save(), true) },
          ...cm.searchKeymap, ...cm.historyKeymap, cm.indentWithTab, ...cm.defaultKeymap,
        ]),
        cm.EditorView.contentAttributes.of({ "aria-label": gettext("Content of %(path)s", { path: name }), spellcheck: "false" }),
        cm.EditorView.updateListener.of((update) => update.docChanged && this.handlers.changed()),
      ],
    });
  }

  /** Bring a file's state into view; what was there is given back by `state` before. */
  show(state) {
    this.view.setState(state);
  }

  get state() {
    return this.view.state;
  }

  focus() {
    this.view.focus();
  }
}

/** The whole text of a state as the file holds it. */
export const textOf = (state) => state.sliceDoc();
