// A preview: what a program on a machine serves, shown in a frame on an origin of its own.
import { call, segment } from "./api.js";
import { h, icon } from "./markup.js";
import { gettext } from "./words.js";

// The frame's origin is never the site's, so allow-same-origin gives the app its own cookies
// and storage and nothing of the site's.
const FRAME_RIGHTS = "allow-scripts allow-forms allow-same-origin allow-modals allow-downloads";

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
      this.#frame(body.url);
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

  #frame(url) {
    const frame = h("iframe", {
      src: url, sandbox: FRAME_RIGHTS, referrerpolicy: "no-referrer", title: gettext("Port %(port)s of %(machine)s", { port: this.port, machine: this.machine }),
    });
    this.panel.replaceChildren(
      h("div", { class: "preview-bar" },
        h("span", {}, gettext("%(machine)s, port %(port)s", { machine: this.machine, port: this.port })),
        h("span", { class: "data" }, new URL(url).host),
        h("span", { class: "end" },
          h("button", { class: "btn btn-small btn-dark", type: "button", onclick: () => this.reload() }, icon("redo"), gettext("Load again")),
          h("a", { class: "btn btn-small btn-dark", href: url, target: "_blank", rel: "noopener noreferrer" }, icon("away"), gettext("Open in a tab of its own")))),
      frame,
    );
  }

  #say(error) {
    this.panel.replaceChildren(
      h("div", { class: "berth-body" }, h("p", {}, error.message), h("p", {}, error.hint),
        h("div", { class: "acts" }, h("button", { class: "btn btn-dark", type: "button", onclick: () => this.show() }, gettext("Open the preview again")))),
    );
  }
}
