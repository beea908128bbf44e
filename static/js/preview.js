// A preview: what a program on a machine serves, shown in a frame on an origin of its own.
import { call, segment } from "./api.js";
import { copyText } from "./clipboard.js";
import { h, icon } from "./markup.js";
import { gettext } from "./words.js";

// The frame's origin is never the site's, so allow-same-origin gives the app its own cookies
// and storage and nothing of the site's.
const FRAME_RIGHTS = "allow-scripts allow-forms allow-same-origin allow-modals allow-downloads";

const COPIED_MS = 2000;

/** Fills one preview panel; `sandboxId()` names the sandbox whose machine is asked. */
export class Preview {
  #openFor = null;

  constructor(panel, sandboxId) {
    this.panel = panel;
    this.sandboxId = sandboxId;
    this.machine = panel.dataset.machine;
    this.port = Number(panel.dataset.port);
  }

  /** Open on first view; later views keep the page as it is. */
  async show() {
    const id = this.sandboxId();
    if (!id || id === this.#openFor) return;
    this.#openFor = id;
    try {
      const { body } = await call("POST", `/sandboxes/${segment(id)}/previews`, { machine: this.machine, port: this.port });
      this.#frame(body);
    } catch (error) {
      this.#openFor = null;
      this.#say(error);
    }
  }

  /** Load the page again, if it is shown. */
  reload() {
    const frame = this.panel.querySelector("iframe");
    if (frame) frame.src = frame.getAttribute("src");
  }

  clear() {
    this.#openFor = null;
    this.panel.replaceChildren();
  }

  #frame({ url, way, share }) {
    const frame = h("iframe", {
      src: url, sandbox: FRAME_RIGHTS, referrerpolicy: "no-referrer", title: gettext("Port %(port)s of %(machine)s", { port: this.port, machine: this.machine }),
    });
    this.panel.replaceChildren(
      h("div", { class: "preview-bar" },
        h("span", {}, gettext("%(machine)s, port %(port)s", { machine: this.machine, port: this.port })),
        h("span", { class: "data" }, new URL(url).host),
        this.#way(way),
        h("span", { class: "end" },
          share ? this.#shareButton(url) : null,
          h("button", { class: "btn btn-small btn-dark", type: "button", onclick: () => this.reload() }, icon("redo"), gettext("Load again")),
          h("a", { class: "btn btn-small btn-dark", href: url, target: "_blank", rel: "noopener noreferrer" }, icon("away"), gettext("Open in a tab of its own")))),
      frame,
    );
  }

  /** How the browser gets there: in a room without host names every preview has a port instead. */
  #way(way) {
    const [text, title] = way === "port"
      ? [gettext("by port"), gettext("This address has no names below it, so the preview has a port of its own. Scripts of all previews here can see each other's cookies.")]
      : [gettext("by name"), gettext("The preview has a host name of its own.")];
    return h("span", { class: "way", title }, text);
  }

  /** Copies the address; only where the class's rules offer it. */
  #shareButton(url) {
    const label = gettext("Copy link to share");
    const button = h("button", {
      class: "btn btn-small btn-dark", type: "button", title: gettext("Whoever has this link sees the page until the machines end."),
      onclick: async () => {
        button.textContent = (await copyText(url)) ? gettext("Copied.") : gettext("This browser does not let the page copy.");
        setTimeout(() => { button.textContent = label; }, COPIED_MS);
      },
    }, label);
    return button;
  }

  #say(error) {
    this.panel.replaceChildren(
      h("div", { class: "berth-body" }, h("p", {}, error.message), h("p", {}, error.hint),
        h("div", { class: "acts" }, h("button", { class: "btn btn-dark", type: "button", onclick: () => this.show() }, gettext("Open the preview again")))),
    );
  }
}
