// For the author of a course: the page follows the files, and a task's scripts can be run.
import { call, segment } from "./api.js";
import { seconds } from "./times.js";
import { gettext } from "./words.js";

const LOOK_EVERY_MS = 700;
const PLACE = "slipway.author-place";

const { course, version } = JSON.parse(document.getElementById("author-data").textContent);
const scroller = document.getElementById("lesson-text");
const lesson = () => JSON.parse(document.getElementById("lesson-data").textContent).lesson;

/** Load again when a file was saved, at the same place of the text. */
async function follow() {
  if (!document.hidden) {
    try {
      const { body } = await call("GET", `/author/${segment(course)}`);
      if (body.version !== version) {
        sessionStorage.setItem(PLACE, JSON.stringify([location.pathname, scroller?.scrollTop ?? scrollY]));
        location.reload();
        return;
      }
    } catch {
      // The site is starting again; it will answer.
    }
  }
  setTimeout(follow, LOOK_EVERY_MS);
}

function comeBack() {
  const [path, top] = JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
  sessionStorage.removeItem(PLACE);
  if (path === location.pathname) (scroller ?? document.scrollingElement).scrollTop = top;
}

async function run(section, stem) {
  const say = section.querySelector(".author-say");
  const out = section.querySelector(".author-out");
  const card = document.getElementById(`task-${section.dataset.authorTask}`);
  const check = () => card.querySelector('[data-action="check"]').click();
  if (stem === "check") {
    check();
    return;
  }
  say.textContent = gettext("Running %(file)s", { file: `${stem}.sh` });
  out.hidden = true;
  try {
    const path = `/author/${segment(course)}/lessons/${segment(lesson())}/tasks/${segment(section.dataset.authorTask)}`;
    const { body } = await call("POST", `${path}/scripts/${segment(stem)}`);
    const values = { file: `${stem}.sh`, code: body.exit_code, seconds: seconds(body.seconds) };
    say.textContent = body.timed_out
      ? gettext("%(file)s was stopped for time after %(seconds)s s. The check runs now.", values)
      : gettext("%(file)s ended with exit status %(code)s in %(seconds)s s. The check runs now.", values);
    const text = [body.stdout, body.stderr].filter(Boolean).join("\n");
    out.textContent = text;
    out.hidden = !text;
    check();
  } catch (error) {
    say.textContent = [error.message, error.hint].filter(Boolean).join(" ");
  }
}

for (const section of document.querySelectorAll("[data-author-task]")) {
  section.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-author]");
    if (!button || button.disabled) return;
    const buttons = section.querySelectorAll("[data-author]");
    for (const each of buttons) each.disabled = true;
    await run(section, button.dataset.author);
    for (const each of buttons) each.disabled = false;
  });
}
comeBack();
follow();
