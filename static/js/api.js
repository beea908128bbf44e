// Calls of the site's JSON API, with the session cookie and the CSRF header.

import { gettext } from "./words.js";
const REPEAT_AFTER_MS = 700;

/** What went wrong in words for the learner: `message` says what, `hint` what to do next. */
export class ApiError extends Error {
  constructor(status, { code, message, hint, ...more }) {
    super(message);
    Object.assign(this, { status, code, hint: hint ?? "", more });
  }
}

export const UNREACHABLE = {
  code: "unreachable",
  message: gettext("The site did not answer."),
  hint: gettext("Check the network and try again. Your machines keep running meanwhile."),
};

function cookie(name) {
  const entry = document.cookie.split("; ").find((part) => part.startsWith(`${name}=`));
  return entry ? decodeURIComponent(entry.slice(name.length + 1)) : "";
}

/** What unsafe requests carry besides the session cookie. */
export const csrfToken = () => cookie("csrftoken");

async function failure(response) {
  const body = await response.json().catch(() => null);
  return new ApiError(
    response.status,
    body?.error ?? {
      code: `http_${response.status}`,
      message: gettext("The site answered with an error (%(status)s).", { status: response.status }),
      hint: gettext("Try again in a moment. If it stays so, load the page again."),
    },
  );
}

function request(method, path, body) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(`/api/v1${path}`, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: "same-origin",
  });
}

/**
 * Call `/api/v1` + path and return the parsed body with its HTTP status as `{status, body}`.
 * `repeatable` says that asking twice does the same as once; such a call is tried a second
 * time when no answer came (a laptop that changes networks drops what is under way).
 * Throws ApiError for every answer that is not 2xx and for no answer at all.
 */
export async function call(method, path, body, { repeatable = method !== "POST" } = {}) {
  let response;
  try {
    response = await request(method, path, body);
  } catch {
    if (!repeatable) throw new ApiError(0, UNREACHABLE);
    await new Promise((resolve) => setTimeout(resolve, REPEAT_AFTER_MS));
    response = await request(method, path, body).catch(() => null);
    if (!response) throw new ApiError(0, UNREACHABLE);
  }
  if (!response.ok) throw await failure(response);
  return { status: response.status, body: await response.json().catch(() => null) };
}

/**
 * A request whose body or answer is no JSON; answers the Response. Throws ApiError as `call`.
 * It is asked once.
 */
export async function transfer(method, path, { body, headers = {} } = {}) {
  const own = method === "GET" ? headers : { ...headers, "X-CSRFToken": cookie("csrftoken") };
  let response;
  try {
    response = await fetch(`/api/v1${path}`, { method, headers: own, body, credentials: "same-origin" });
  } catch {
    throw new ApiError(0, UNREACHABLE);
  }
  if (!response.ok) throw await failure(response);
  return response;
}

export const segment = encodeURIComponent;
