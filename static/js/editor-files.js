// A machine's files over the API, as the editor needs them: text with its etag, lists, names.
import { ApiError, segment, transfer } from "./api.js";
import { gettext } from "./words.js";

export const LIMIT_BYTES = 5 * 1024 * 1024;

const refused = (code, message, hint) => new ApiError(0, { code, message, hint });

/** Files of one machine. Paths are absolute or begin with `~/`; every call throws ApiError. */
export class MachineFiles {
  constructor(sandboxId, machine) {
    this.address = `/sandboxes/${segment(sandboxId)}/machines/${segment(machine)}/files`;
  }

  /** Entries of a folder: `[{name, type, to, bytes, etag}]`, folders first. */
  async list(path) {
    const response = await transfer("GET", `${this.address}?list=${segment(path)}`);
    const { entries } = await response.json();
    return entries.sort((a, b) => isFolder(b) - isFolder(a) || a.name.localeCompare(b.name));
  }

  /** A text file: `{text, etag}`. Refuses what is too large or no text, before it is read whole. */
  async load(path) {
    const response = await transfer("GET", `${this.address}?path=${segment(path)}`);
    if (Number(response.headers.get("Content-Length")) > LIMIT_BYTES) {
      response.body.cancel();
      throw refused("too_large", gettext("This file is larger than 5 MB, too large for the editor."), gettext("Download it, or use the terminal: less, head and vim read it."));
    }
    const bytes = new Uint8Array(await response.arrayBuffer());
    const text = textOf(bytes);
    if (text === null) {
      throw refused("binary", gettext("This file is no text, so the editor does not show it."), gettext("Download it, or look at it in the terminal with file or xxd."));
    }
    return { text, etag: (response.headers.get("ETag") ?? "").replaceAll('"', "") };
  }

  /** Write a file; with `etag` only over that one, else only where none is. Answers the new etag. */
  async save(path, body, { etag = null, replace = false } = {}) {
    const headers = { "Content-Type": "application/octet-stream", ...(etag && !replace ? { "If-Match": `"${etag}"` } : {}) };
    const overwrite = etag || replace ? 1 : 0;
    const response = await transfer("POST", `${this.address}?path=${segment(path)}&overwrite=${overwrite}`, { body, headers });
    return (await response.json()).etag;
  }

  async makeFolder(path) {
    await transfer("POST", `${this.address}?folder=${segment(path)}`);
  }

  async rename(path, to) {
    await transfer("POST", `${this.address}?path=${segment(path)}&to=${segment(to)}`);
  }

  async remove(path) {
    await transfer("DELETE", `${this.address}?path=${segment(path)}&recursive=1`);
  }

  /** Where the browser downloads a file from. */
  download(path) {
    return `/api/v1${this.address}?path=${segment(path)}`;
  }
}

export const isFolder = ({ type, to }) => type === "folder" || to === "folder";

export const nameOf = (path) => path.slice(path.lastIndexOf("/") + 1);

export const folderOf = (path) => path.slice(0, Math.max(1, path.lastIndexOf("/")));

export const inside = (folder, name) => (folder === "/" ? `/${name}` : `${folder}/${name}`);

function textOf(bytes) {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
