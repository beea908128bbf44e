// One file on its way into a machine. XMLHttpRequest, because fetch tells no progress of what it sends.
import { ApiError, csrfToken, segment } from "./api.js";
import { gettext } from "./words.js";

/** The address of files on a machine. */
export function filesAddress(sandboxId, machine, query) {
  const path = `/api/v1/sandboxes/${segment(sandboxId)}/machines/${segment(machine)}/files`;
  return `${path}?${new URLSearchParams(query)}`;
}

/**
 * Send `file` to `path` on a machine. `moved(share)` is called with 0 to 1, `signal` breaks off.
 * Resolves with `{path, bytes, etag}`; rejects with ApiError, or with AbortError when broken off.
 */
export function upload({ sandboxId, machine, path, file, overwrite, moved, signal }) {
  const request = new XMLHttpRequest();
  request.open("POST", filesAddress(sandboxId, machine, { path, overwrite: overwrite ? "1" : "0" }));
  request.setRequestHeader("X-CSRFToken", csrfToken());
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.upload.addEventListener("progress", (event) => event.lengthComputable && moved(event.loaded / event.total));
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => request.abort());
    request.addEventListener("abort", () => reject(new DOMException("broken off", "AbortError")));
    request.addEventListener("error", () => reject(new ApiError(0, {
      code: "unreachable", message: gettext("%(name)s did not arrive.", { name: file.name }), hint: gettext("Check the network and send it again."),
    })));
    request.addEventListener("load", () => {
      const body = parsed(request.responseText);
      if (request.status === 201) resolve(body);
      else reject(new ApiError(request.status, body?.error ?? { code: "failed", message: gettext("%(name)s was not taken.", { name: file.name }) }));
    });
    request.send(file);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
