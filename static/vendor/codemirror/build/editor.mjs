// What the pages use of CodeMirror; bundled into ../codemirror.mjs by ../refresh.
export { EditorState, Compartment } from "@codemirror/state";
export {
  EditorView, keymap, lineNumbers, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, drawSelection,
} from "@codemirror/view";
export { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
export {
  HighlightStyle, StreamLanguage, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting,
} from "@codemirror/language";
export { highlightSelectionMatches, openSearchPanel, search, searchKeymap } from "@codemirror/search";
export { tags } from "@lezer/highlight";
export { python } from "@codemirror/lang-python";
export { yaml } from "@codemirror/lang-yaml";
export { markdown } from "@codemirror/lang-markdown";
export { json } from "@codemirror/lang-json";
export { dockerFile } from "@codemirror/legacy-modes/mode/dockerfile";
export { shell } from "@codemirror/legacy-modes/mode/shell";
