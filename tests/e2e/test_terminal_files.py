"""Files into a machine, by drop, paste and picker, and out of it again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.e2e.conftest import Site
from tests.e2e.terminal_page import TerminalPage, started_terminal

pytestmark = pytest.mark.e2e
GIVE = """(field, [kind, name, type, size]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(size).fill(65)], name, {type}));
    const options = {bubbles: true, cancelable: true};
    if (kind === "paste") {
        field.dispatchEvent(new ClipboardEvent("paste", {...options, clipboardData: data}));
        return;
    }
    for (const step of ["dragover", "drop"]) {
        field.dispatchEvent(new DragEvent(step, {...options, dataTransfer: data}));
    }
}"""


# A picture on the clipboard, as "Copy image" puts it there; `handed` is what the next paste holds.
COPY_PICTURE = """async () => {
    const drawing = new OffscreenCanvas(31, 17);
    const context = drawing.getContext("2d");
    context.fillStyle = "rgb(10 200 30)";
    context.fillRect(0, 0, 31, 17);
    const blob = await drawing.convertToBlob({type: "image/png"});
    await navigator.clipboard.write([new ClipboardItem({"image/png": blob})]);
    window.handed = new Promise((resolve) => addEventListener("paste", async ({clipboardData}) => {
        const [file] = clipboardData.files;
        const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
        const picture = await createImageBitmap(file);
        context.clearRect(0, 0, 31, 17);
        context.drawImage(picture, 0, 0);
        resolve({
            sha256: [...sum].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
            size: [picture.width, picture.height],
            pixel: [...context.getImageData(30, 16, 1, 1).data],
        });
    }, {capture: true, once: true}));
}"""


@pytest.fixture(scope="module")
def shared(site: Site, browser: Browser) -> Iterator[TerminalPage]:
    permissions = ["clipboard-read", "clipboard-write"]
    with started_terminal(site, browser, permissions=permissions) as terminal:
        yield terminal


@pytest.fixture
def terminal(shared: TerminalPage) -> TerminalPage:
    shared.page.evaluate(
        "document.querySelectorAll('[data-transfers] button').forEach(button => button.click())"
    )
    return shared.fresh()


def give(
    terminal: TerminalPage, kind: str, name: str, size: int, media: str = "text/plain"
) -> None:
    terminal.keyboard.evaluate(GIVE, [kind, name, media, size])


def transfers(terminal: TerminalPage) -> Locator:
    return terminal.page.locator("[data-transfers]")


def test_a_dropped_file_is_in_the_home_of_its_machine(terminal: TerminalPage) -> None:
    give(terminal, "drop", "it's <b>mine</b>.txt", 3_000_000)
    expect(transfers(terminal)).to_contain_text("is in ~ on box, 2.9 MiB", timeout=20_000)
    assert transfers(terminal).locator("b").count() == 0
    terminal.do("wc -c it*; stat -c %U it*", r"3000000 it's <b>mine<_b>\.txt\nlearner")


def test_what_is_there_is_replaced_only_after_a_question(terminal: TerminalPage) -> None:
    terminal.do("echo old >twice.txt; cat twice.txt", r"\nold")
    give(terminal, "drop", "twice.txt", 4)
    dialog = terminal.page.locator("dialog.ask")
    expect(dialog).to_contain_text("Replace twice.txt?")
    dialog.get_by_role("button", name="Leave it").click()
    expect(transfers(terminal)).to_contain_text("twice.txt was not sent")
    terminal.do("cat twice.txt; echo kept", r"\nold\nkept")
    give(terminal, "drop", "twice.txt", 4)
    dialog.get_by_role("button", name="Replace it").click()
    expect(transfers(terminal)).to_contain_text("twice.txt is in ~")
    terminal.do("cat twice.txt; echo -new", "AAAA-new")


def test_a_picture_on_the_clipboard_becomes_a_file(terminal: TerminalPage) -> None:
    give(terminal, "paste", "image.png", 999, "image/png")
    expect(transfers(terminal)).to_contain_text(".png is in ~ on box")
    terminal.do("wc -c pasted-*.png", r"\n *999 pasted-\d\d-\d\d-\d\d\.png")


def test_a_picture_that_was_copied_arrives_byte_for_byte(terminal: TerminalPage) -> None:
    page = terminal.page
    page.evaluate(COPY_PICTURE)
    terminal.keyboard.focus()
    page.keyboard.press("Control+v")
    expect(transfers(terminal)).to_contain_text(".png is in ~ on box")
    handed = page.evaluate("handed")
    assert handed["size"] == [31, 17]
    assert handed["pixel"] == [10, 200, 30, 255]
    terminal.do(
        "sha256sum $(ls -t pasted-*.png | head -1)", rf"\n{handed['sha256']}  pasted-[\d-]+\.png"
    )


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(terminal: TerminalPage) -> None:
    give(terminal, "drop", "huge.bin", 65 * 1024 * 1024)
    expect(transfers(terminal)).to_contain_text("huge.bin has 65.0 MiB; a file may have 64 MiB.")
    terminal.do("ls huge.bin; echo none", r"cannot access 'huge.bin'.*\nnone")


def test_a_transfer_can_be_broken_off(terminal: TerminalPage) -> None:
    # A slow network, so that there is something to break off.
    devtools = terminal.page.context.new_cdp_session(terminal.page)
    devtools.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000}
    devtools.send("Network.emulateNetworkConditions", slow)
    give(terminal, "drop", "long.bin", 20_000_000)
    expect(transfers(terminal).locator("progress")).to_be_visible()
    transfers(terminal).get_by_role("button", name="Break off").click()
    expect(transfers(terminal)).to_contain_text("long.bin was broken off.")
    devtools.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    terminal.do("ls long.bin; echo none", r"cannot access 'long.bin'.*\nnone")


def test_files_are_sent_and_saved_without_a_mouse(terminal: TerminalPage, tmp_path: Path) -> None:
    page = terminal.page
    mine = tmp_path / "round.txt"
    mine.write_text("there and back\n")
    page.locator("[data-send-files]").set_input_files(mine)
    expect(transfers(terminal)).to_contain_text("round.txt is in ~ on box")
    terminal.do("mkdir -p folder && mv round.txt folder/ && ls folder", r"\nround\.txt")
    page.get_by_label("Terminal settings").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Get a file from this machine").click()
    dialog = page.locator("dialog.ask")
    dialog.get_by_role("button", name="folder/").click()
    with page.expect_download() as saved:
        dialog.get_by_role("link", name="round.txt").click()
    assert Path(saved.value.path()).read_text() == "there and back\n"
    dialog.get_by_role("button", name="Close").click()
