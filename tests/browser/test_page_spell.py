"""The Spell screen: text, keys, settings, and every state in which nothing can be read."""

import pytest

pytestmark = pytest.mark.browser

REFUSED = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', '%s') }"
ASKING = "navigator.mediaDevices.getUserMedia = () => new Promise(() => 0)"
INSECURE = "Object.defineProperty(window, 'isSecureContext', { value: false })"
KEPT_SERVER = """localStorage['fingerspell.settings'] = JSON.stringify({ where: 'server' })"""


def live(page):
    page.wait_for_selector(".stage[data-state=live]")
    return page


def show(page, label):
    """Holds a sign until it is written, then takes the hand away."""
    before = page.evaluate("document.querySelector('.written').textContent")
    page.evaluate("label => { fake.label = label }", label)
    done = """before => document.querySelector('.written').textContent !== before
        && !document.querySelector('.coming') && studio.sight.value"""
    page.wait_for_function(done, arg=before)
    page.evaluate("fake.label = 'nothing'")
    page.locator(".card.now", has_text="No sign").wait_for()


def text(page):
    return (
        page.locator(".written")
        .inner_text()
        .replace("\u00a0", " ")
        .replace("Your text appears here.", "")
    )


def test_what_the_hand_holds_becomes_text_and_is_said_once(open_page):
    page = live(open_page())
    for letter in "ABB":
        show(page, letter)
    assert text(page) == "ABB"
    assert page.locator("#committed").inner_text() == "B"
    assert page.locator("[aria-live]:visible").count() == page.locator("#committed").count() == 1


def test_the_letter_the_certainty_and_the_runner_up_are_shown(open_page):
    page = live(open_page())
    page.evaluate("Object.assign(fake, { label: 'L', rival: 'G', p: 0.9 })")
    page.wait_for_selector(".now.certain")
    assert page.locator(".card.now").inner_text().replace("\n", " ").replace("  ", " ") == (
        "L Letter L sure 90 % or G 7 %"
    )


def test_keys_write_delete_clear_and_undo(open_page):
    page = live(open_page())
    show(page, "A")
    page.locator("body").press("Space")
    show(page, "B")
    page.locator("body").press("Backspace")
    assert text(page) == "A "
    page.get_by_role("button", name="Clear", exact=True).click()
    assert text(page) == ""
    page.get_by_role("button", name="Undo", exact=True).click()
    assert text(page) == "A "


def test_all_is_reached_by_keyboard_and_the_focus_is_seen(open_page):
    page = live(open_page())
    page.keyboard.press("Tab")
    seen = []
    for _ in range(5):
        seen.append(page.evaluate("document.activeElement.textContent"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        page.keyboard.press("ArrowRight")
    assert seen == ["Spell", "Practise", "Try pictures", "Collect", "Results"]
    assert page.evaluate("document.activeElement.textContent") == "Spell"
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent.trim()"))
    assert {"Space", "Delete"} <= reached


@pytest.mark.parametrize(
    ("script", "state", "title", "advice"),
    [
        (ASKING, "asking", "May this page", "Allow"),
        (REFUSED % "NotAllowedError", "denied", "not allowed", "beside the address"),
        (REFUSED % "NotFoundError", "absent", "No camera found", "Plug one in"),
        (REFUSED % "NotReadableError", "busy", "Another program", "Close the video call"),
        (INSECURE, "insecure", "may not use a camera", "fingerspell serve --https"),
    ],
)  # fmt: skip
def test_where_there_is_no_picture_it_says_why_and_what_to_do(
    open_page, script, state, title, advice
):
    page = open_page(script=script)
    page.wait_for_selector(f".stage[data-state={state}]")
    assert title in page.locator(".cover h2").inner_text()
    assert advice in page.locator(".cover").inner_text()


def test_a_refused_camera_starts_when_it_was_allowed(open_page):
    page = open_page(
        script="window.own = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);"
        + REFUSED % "NotAllowedError"
    )
    page.wait_for_selector(".stage[data-state=denied]")
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = own }")
    page.get_by_role("button", name="Try again").click()
    live(page)


def test_an_unplugged_camera_is_said_and_one_plugged_in_goes_on(open_page):
    page = live(open_page())
    show(page, "A")
    page.evaluate("studio.camera.stream.getTracks()[0].dispatchEvent(new Event('ended'))")
    page.wait_for_selector(".stage[data-state=lost]")
    page.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    live(page)
    assert text(page) == "A"


@pytest.mark.parametrize("what", ["contract", "device", "frame"])
def test_a_recogniser_that_fails_says_found_expected_and_fix(open_page, what):
    page = open_page(f"?fails={what}")
    page.wait_for_selector(".stage[data-state=failed]")
    said = page.locator(".cover").inner_text()
    assert f"Found: a stand-in that fails at {what}" in said
    assert "Expected: one that works" in said
    assert "To mend it: omit ?fails" in said
    page.evaluate("fake.fails = ''")
    page.get_by_role("button", name="Try again").click()
    live(page)


def test_loading_is_said(open_page):
    page = open_page("?slow")
    page.wait_for_selector("[role=progressbar][aria-valuenow='43']")
    said = page.locator(".cover").inner_text()
    assert "Loading the recogniser" in said and "43 %" in said


def test_a_server_with_keys_is_asked_again_with_the_one_that_is_given(open_page):
    page = open_page("?key=right%20key")
    page.get_by_text("This server asks for a key").wait_for()
    for key in ("wrong", "right key"):
        page.get_by_label("Key").fill(key)
        page.get_by_label("Key").press("Enter")
        if key == "wrong":
            page.get_by_text("does not know that key").wait_for()
    live(page)
    assert "right" not in page.evaluate("JSON.stringify(localStorage)")
    page.reload()
    live(page)


def test_another_place_to_read_is_offered_and_what_leaves_is_said(open_page):
    page = open_page("?fails=device")
    page.get_by_role("button", name="Read on the server").click()
    live(page)
    assert "go to 127.0.0.1" in page.locator(".spell .mode").first.inner_text()


def test_a_key_that_is_taken_back_is_asked_for_again_and_the_text_is_kept(open_page):
    page = live(open_page(script=KEPT_SERVER))
    show(page, "A")
    page.evaluate("fake.state('gone'); fake.takeKeyBack()")
    page.get_by_text("This server does not know that key.").wait_for()
    page.get_by_text("The server is gone").wait_for(state="hidden")
    page.get_by_label("Key").fill("another-key-of.sixteen")
    page.get_by_role("button", name="Open").click()
    show(page, "B")
    assert text(page) == "AB"


def test_a_server_that_goes_and_comes_back_leaves_the_text(open_page):
    page = live(open_page(script=KEPT_SERVER))
    show(page, "A")
    # The frame that was on its way is lost, too.
    page.evaluate("fake.fails = 'frame'; setTimeout(() => fake.state('gone'), 150)")
    page.get_by_text("The server is gone. Your text is kept").wait_for()
    page.wait_for_timeout(500)
    page.evaluate("fake.fails = ''; fake.state('open')")
    page.get_by_text("The server is gone").wait_for(state="hidden")
    show(page, "B")
    assert text(page) == "AB"


@pytest.mark.parametrize(
    ("frame", "hint"),
    [
        ({"label": "nothing"}, "No hand"),
        ({"label": "A", "brightness": 0.05}, "Too dark"),
        ({"label": "M", "rival": "N", "p": 0.5}, "Not sure: M or N?"),
        ({"label": "M", "p": 0.5, "hand": [0.5, 0.5, 0.1]}, "nearer"),
    ],
)
def test_a_frame_that_says_nothing_gets_advice(open_page, frame, hint):
    page = live(open_page())
    page.evaluate("frame => Object.assign(fake, frame)", frame)
    page.locator(".hint", has_text=hint).wait_for()


def test_settings_reach_the_engine_and_outlive_a_reload(open_page):
    page = live(open_page())
    show(page, "A")
    page.locator("summary").click()
    page.get_by_label("Hold time").fill("0.5")
    page.get_by_text("Letters only", exact=True).click()
    page.reload()
    live(page)
    assert page.evaluate("fake.speller.needS") == 0.5
    allowed = page.evaluate("fake.allowed")
    assert {"A", "Z", "nothing"} <= {*allowed} and not {"space", "del"} & {*allowed}
    assert text(page) == "A"


def test_chosen_letters_are_ranges_and_labels(open_page):
    page = live(open_page())
    page.locator("summary").click()
    page.get_by_text("Choose", exact=True).click()
    page.get_by_label("Letters, such as").fill("a-c, Y space")
    assert page.evaluate("fake.allowed") == ["A", "B", "C", "Y", "nothing", "space"]
    page.get_by_label("Letters, such as").fill("?!")
    assert page.evaluate("fake.allowed") is None
    page.get_by_text("None of these is known").wait_for()


def test_a_browser_that_keeps_nothing_still_spells(open_page):
    refuses = "{ get() { throw new Error('no') } }"
    page = live(open_page(script=f"Object.defineProperty(window, 'localStorage', {refuses})"))
    show(page, "A")
    assert text(page) == "A"


def test_a_tab_without_camera_turns_it_off_and_back_on(open_page):
    page = live(open_page())
    page.get_by_role("tab", name="Try pictures").click()
    assert page.evaluate("studio.camera.state.value") == "off"
    page.get_by_role("tab", name="Practise").click()
    live(page)


def test_the_theme_is_the_systems_until_one_is_chosen(open_page):
    page = open_page(theme="dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Colours: as the system").click()
    assert page.evaluate(ground) != dark
    page.reload()
    page.get_by_role("button", name="Colours: light").wait_for()


def test_a_proposed_word_takes_the_place_of_the_last_one(open_page):
    page = live(open_page())
    page.evaluate("fake.words = { B: ['BOOK', 'BED'] }")
    for key in ("A", "space", "B"):
        show(page, key)
    page.get_by_role("button", name="BED").wait_for()
    assert page.locator(".suggestions button").all_inner_texts() == ["BOOK", "BED"]
    page.get_by_role("button", name="BOOK").click()
    assert text(page) == "A BOOK "


def test_the_text_is_copied_and_spoken(open_page):
    page = live(
        open_page(script="window.speechSynthesis.speak = said => { window.said = said.text }")
    )
    page.context.grant_permissions(["camera", "clipboard-read", "clipboard-write"])
    assert page.get_by_role("button", name="Copy").is_disabled()
    show(page, "A")
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "A"
    page.get_by_role("button", name="Speak").click()
    assert page.evaluate("said") == "a"
