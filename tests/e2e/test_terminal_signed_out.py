"""An open terminal whose learner signs out in another tab."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site, stop_machines
from tests.e2e.terminal_page import TerminalPage

pytestmark = pytest.mark.e2e
LIMIT_MS = 5_000
PASSWORD = "only for this test"
MAKE_LEARNER = (
    "from classroom.models import User;"
    "u, _ = User.objects.get_or_create(username='hedy');"
    f"u.set_password('{PASSWORD}'); u.save()"
)


def sign_in(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/accounts/login/")
    page.fill("[name=login]", "hedy")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name=re.compile("Sign in")).click()
    expect(page.get_by_role("link", name="Sign out")).to_be_visible()


def test_a_terminal_says_so_and_takes_nothing_more(page: Page, site: Site) -> None:
    site.manage("shell", "-v", "0", "-c", MAKE_LEARNER)
    sign_in(page, site)
    terminal = TerminalPage(page, site.url, "playground", "shell", "box")
    terminal.open().start()
    terminal.see(r"\$\s*$")
    other = page.context.new_page()
    other.goto(f"{site.url}/accounts/logout/")
    other.get_by_role("button", name="Sign out").click()
    expect(page.locator("[data-lines]")).to_contain_text(
        "The terminal needs you to be signed in.", timeout=LIMIT_MS
    )
    before = terminal.screen("box").strip()
    terminal.type("box", "touch typed-after-it")
    page.wait_for_timeout(500)
    assert terminal.screen("box").strip() == before

    sign_in(other, site)
    other.close()
    terminal.open().ready()
    terminal.see(r"\$\s*$")
    terminal.do("ls -a; echo listed-$((40+2))", r"\nlisted-42")
    assert "typed-after-it" not in terminal.screen("box")
    stop_machines(site, page.context)
