"""A real browser runs nothing of a lesson's text, not even when it parses it twice."""

import pytest
from playwright.sync_api import Browser

from courses import markdown
from courses.tests.hostile_text import ATTACKS

pytestmark = pytest.mark.e2e
ALLOWED = sorted(markdown._INLINE | markdown._BLOCK)
LOOK = r"""allowed => {
  const holder = document.createElement("div");
  document.body.append(holder);
  holder.innerHTML = document.getElementById("text").innerHTML;
  holder.innerHTML = holder.innerHTML;
  const strange = [...document.querySelectorAll("#text *, body > div:last-child *")].filter(
    (element) =>
      !allowed.includes(element.localName) ||
      element.namespaceURI !== "http://www.w3.org/1999/xhtml" ||
      [...element.attributes].some((a) => a.name.startsWith("on") || a.name === "style") ||
      (element.href && !/^(https?:|mailto:|about:|\/\/)/.test(element.getAttribute("href"))));
  return strange.map((element) => element.outerHTML);
}"""


def test_nothing_runs_and_nothing_strange_is_made(browser: Browser) -> None:
    context = browser.new_context()
    # No policy protects this page: the text has to be harmless by itself.
    page = context.new_page()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for attack in ATTACKS:
        html = f"{markdown.render(attack)}{markdown.render_inline(attack)}"
        page.set_content(f"<!doctype html><body><div id=text>{html}</div></body>")
        assert page.evaluate(LOOK, ALLOWED) == [], attack
    page.set_content("<img src=x onerror=alert(1)>")
    page.wait_for_timeout(300)
    context.close()
    assert dialogs == ["1"], "the browser would have told, and told once: of its own attack"
