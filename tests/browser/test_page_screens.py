"""Try pictures, Practise, Collect, Results: what they take, keep and hand out."""

import csv
import io
import json
import zipfile

import pytest
from PIL import Image

pytestmark = pytest.mark.browser


def picture(name="A.png"):
    out = io.BytesIO()
    Image.new("RGB", (80, 60), (160, 120, 100)).save(out, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": out.getvalue()}


BAD = {"name": "notes, mine.png", "mimeType": "image/png", "buffer": b"no picture"}


def report(accuracy):
    """A report in which M is read worse than A."""
    recall = {"A": 1, "M": accuracy}
    scores = {x: {"support": 9, "recall": p, "precision": 0.5} for x, p in recall.items()}
    body = {
        "test_accuracy": accuracy, "pictures": 17, "per_class_metrics": scores,
        "top_confusions": [{"truth": "M", "answer": "N", "count": 3, "share": 0.25}],
    }  # fmt: skip
    content = json.dumps(body).encode()
    return {"name": "evaluation_report.json", "mimeType": "application/json", "buffer": content}


def saved(page, click):
    with page.expect_download() as download:
        click()
    return download.value.path().read_bytes()


def cell(page, screen, letter):
    return page.locator(f".{screen} .lettercell", has=page.get_by_text(letter, exact=True))


# Try pictures


def test_a_bad_file_is_named_and_the_others_are_read(open_page):
    page = open_page("#pictures")
    page.set_input_files("#files", [picture(), BAD, picture("W of mine.png")])
    page.locator(".read").nth(2).wait_for()
    assert [x.split("\n")[0] for x in page.locator(".read .big").all_inner_texts()] == ["W", "A"]
    assert [x for x in page.locator(".read.bad").inner_text().split("\n") if x] == [
        "notes, mine.png", "Found", "notes, mine.png of 10 bytes", "Expected", "a picture",
        "To mend it", "save it as JPEG or PNG",
    ]  # fmt: skip
    assert page.locator(".read canvas").count() == 2


def test_the_table_is_saved_as_csv(open_page):
    page = open_page("#pictures")
    page.set_input_files("#files", [picture("=A,1.png"), BAD])
    page.locator(".read").nth(1).wait_for()
    page.get_by_role("button", name="As a table").click()
    assert page.locator(".answers tbody tr").count() == 2
    content = saved(page, page.get_by_role("button", name="Save as CSV").click)
    bad, good = csv.DictReader(io.StringIO(content.decode()))
    assert (good["file"], good["label_1"], good["probability_1"]) == ("'=A,1.png", "A", "0.9700")
    assert "save it as JPEG" in bad["problem"] and not bad["label_1"]


def test_pasted_and_dropped_pictures_are_read(open_page):
    page = open_page("#pictures")
    give = """([kind, bytes]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], `${kind}.png`, { type: 'image/png' }));
        const [Kind, name, at] = kind === 'paste' ? [ClipboardEvent, 'clipboardData', 'body']
            : [DragEvent, 'dataTransfer', '.pictures .drop'];
        const event = new Kind(kind, { [name]: data, bubbles: true });
        document.querySelector(at).dispatchEvent(event);
    }"""
    for count, kind in enumerate(("paste", "drop")):
        page.evaluate(give, [kind, list(picture()["buffer"])])
        page.locator(".read").nth(count).wait_for()


# Practise


def test_a_right_letter_scores_and_the_next_one_comes(open_page):
    page = open_page("#practise")
    cell(page, "practise", "B").click()
    page.evaluate("fake.label = 'V'")
    page.get_by_text("That looks like V").wait_for()
    page.evaluate("fake.label = 'B'")
    page.get_by_text("Right!").wait_for()
    page.locator(".target", has_text="Sign B").wait_for(state="detached")
    page.reload()
    assert cell(page, "practise", "B").inner_text().split()[:2] == ["B", "1"]


def test_a_stroke_that_begins_as_another_letter_is_not_called_wrong(open_page):
    page = open_page("#practise")
    cell(page, "practise", "J").click()
    page.evaluate("fake.label = 'I'")
    page.wait_for_timeout(500)
    assert page.get_by_text("That looks like").count() == 0


def scores(hard):
    """A script that says which letters were skipped until now."""
    tally = {x: {"right": 0, "skipped": 9, "seconds": 0} for x in hard}
    return f"localStorage['fingerspell.scores'] ??= JSON.stringify({json.dumps(tally)})"


def test_what_is_hard_is_offered(open_page):
    page = open_page("#practise", script=scores("KPQRX"))
    for _ in range(5):
        page.get_by_role("button", name="Something hard").click()
        assert page.locator(".target").inner_text() in {f"Sign {x}" for x in "KPQRX"} | {"Sign A"}


def test_a_word_goes_letter_by_letter(open_page):
    page = open_page("#practise", script="Math.random = () => 0;" + scores("C"))
    page.get_by_text("Words", exact=True).click()
    word = "".join(page.locator(".spelled span").all_inner_texts())
    assert word == "CAT"
    for number, letter in enumerate(word, start=1):
        page.evaluate("fake.label = 'nothing'")
        page.wait_for_timeout(150)
        page.evaluate("label => { fake.label = label }", letter)
        if number < len(word):
            page.wait_for_function(
                "n => document.querySelectorAll('.spelled .done').length === n", arg=number
            )
    page.get_by_text("Right!").wait_for()
    spelled = "[...document.querySelectorAll('.spelled span')].map(x => x.textContent).join('')"
    page.wait_for_function(f"before => {spelled} !== before", arg=word)


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
def test_j_and_z_are_films_unless_motion_is_unwanted(open_page, motion, moves):
    page = open_page("#practise", reduced_motion=motion)
    cell(page, "practise", "Z").click()
    frame = "document.querySelector('.practise .film img').style.getPropertyValue('--frame')"
    page.wait_for_selector(".practise .film img")
    frames = set()
    for _ in range(8):
        frames.add(page.evaluate(frame))
        page.wait_for_timeout(100)
    assert (len(frames) > 1) is moves


# Collect


def record(page, letter, count):
    cell(page, "collect", letter).click()
    page.evaluate("label => { fake.label = label }", letter)
    page.locator(".record:enabled").focus()
    page.keyboard.press("Space")
    recorded = """([letter, n]) => [...document.querySelectorAll('.collect .lettercell')].some(
        x => x.firstChild.textContent === letter && x.querySelector('.small').textContent >= n)"""
    page.wait_for_function(recorded, arg=[letter, count])
    page.keyboard.press("Space")


def test_recorded_by_keyboard_trained_used_kept_and_given_back(open_page):
    page = open_page("#collect")
    record(page, "A", 5)
    assert page.get_by_role("button", name="Train", exact=True).is_disabled()
    record(page, "B", 5)
    page.get_by_role("button", name="Train", exact=True).click()
    assert (
        "71 %" in page.locator(".outcome").inner_text()
        and "96 %" in page.locator(".outcome").inner_text()
    )
    assert page.evaluate("fake.head") is None
    page.get_by_role("button", name="Use it").click()
    page.get_by_text("Adapted to your hand", exact=True).wait_for()
    assert page.evaluate("fake.head.bias.length") == 29
    page.reload()
    page.get_by_text("Adapted to your hand", exact=True).wait_for()
    page.wait_for_function("() => fake.head !== null")
    assert int(cell(page, "collect", "A").inner_text().split()[1]) >= 5
    page.evaluate("location.hash = 'spell'")
    page.locator("summary").click()
    page.get_by_text("On the server", exact=True).click()
    page.wait_for_selector(".stage[data-state=live]")
    page.get_by_text("On this device", exact=True).click()
    page.wait_for_function("() => studio.recogniser.value?.mode === 'wasm'")
    page.evaluate("location.hash = 'collect'")
    with page.expect_download() as found:
        page.get_by_role("button", name="Download the recogniser").click()
    assert found.value.suggested_filename == "my_recogniser.zip"
    with zipfile.ZipFile(found.value.path()) as packed:
        assert packed.namelist() == ["my_recogniser/labels.txt"] and packed.testzip() is None
    page.get_by_role("button", name="Go back to its own").click()
    assert page.evaluate("fake.head") is None
    assert page.get_by_role("button", name="Download the recogniser").count() == 0


def test_held_with_a_pointer_it_records_until_it_is_let_go(open_page):
    page = open_page("#collect")
    page.locator(".record:enabled").hover()
    page.mouse.down()
    page.locator(".record", has_text="Recording").wait_for()
    page.wait_for_selector(".thumb")
    page.mouse.up()
    page.locator(".record", has_text="Hold to record").wait_for()
    page.wait_for_timeout(400)  # A frame may have been on its way.
    count = page.locator(".thumb").count()
    page.wait_for_timeout(400)
    assert page.locator(".thumb").count() == count
    for _ in range(count):
        page.locator(".thumb").first.click()
    page.wait_for_selector(".thumb", state="detached")
    page.reload()
    page.wait_for_timeout(200)
    assert page.locator(".thumb").count() == 0


def test_pictures_are_downloaded_as_folders_by_class(open_page):
    page = open_page("#collect")
    record(page, "A", 2)
    record(page, "B", 1)
    content = saved(page, page.get_by_role("button", name="Download pictures").click)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names[:2] == ["my_pictures/A/A_001.jpg", "my_pictures/A/A_002.jpg"]
        assert names[-1].startswith("my_pictures/B/B_0")
        with Image.open(archive.open(names[0])) as first:
            assert (first.format, first.size) == ("JPEG", (400, 400))
    assert page.get_by_text("fingerspell adapt --input_dir my_pictures").count() == 1


def test_pictures_are_handed_to_a_server_that_told_its_token(open_page):
    page, got = open_page("#collect&token=a-token"), []
    assert page.evaluate("location.hash") == "#collect", "it stays in no history"

    def take(route):
        got.append((route.request.url.rpartition("?")[2], route.request.headers))
        if len(got) == 2:
            fault = {"found": "a full folder", "expected": "room", "fix": "make some"}
            return route.fulfill(json=fault)  # Another status Chromium would log.
        return route.fulfill(status=201, json={"command": "fingerspell adapt --input_dir hands"})

    page.route("**/v1/collected?*", take)
    hand_over = page.get_by_role("button", name="Hand to the server")
    assert hand_over.is_disabled()
    record(page, "A", 2)
    hand_over.click()
    page.get_by_text("a full folder").wait_for()
    hand_over.click()
    page.get_by_text("fingerspell adapt --input_dir hands").wait_for()
    assert hand_over.is_disabled(), "the server has them all"
    recorded = int(cell(page, "collect", "A").inner_text().split()[1])
    assert len(got) == recorded + 1 and {query for query, _ in got} == {"label=A"}
    assert {headers["x-collect-token"] for _, headers in got} == {"a-token"}


def test_without_a_token_nothing_is_handed_over(open_page):
    page = open_page("#collect")
    record(page, "A", 1)
    assert page.get_by_role("button", name="Hand to the server").count() == 0


def test_what_the_server_reads_is_recorded_and_cannot_be_trained_on(open_page):
    chosen = "localStorage['fingerspell.settings'] = JSON.stringify({ where: 'server' })"
    page = open_page("#collect", script=chosen)
    record(page, "A", 5)
    record(page, "B", 5)
    assert page.get_by_role("button", name="Train", exact=True).is_disabled()
    page.get_by_text("Training needs the recogniser on this device").wait_for()


# Results


def test_reports_stand_side_by_side(open_page):
    page = open_page("#results")
    page.set_input_files("#reportfiles", [report(0.9), report(0.75)])
    assert [x.split("\n")[0] for x in page.locator(".run .big").all_inner_texts()] == [
        "90.0 %",
        "75.0 %",
    ]
    assert page.locator("tbody th").all_inner_texts() == ["M", "A"]
    assert "M\nread as\nN\n3 × · 25.0 %" in page.locator(".confusions").first.inner_text()
    page.get_by_role("button", name="Remove evaluation_report (2)").click()
    assert page.locator(".run").count() == 1


@pytest.mark.parametrize(
    ("content", "found"), [(b"{", "no JSON"), (b"{}", "without test_accuracy"), (b"[1]", "without")]
)
def test_what_is_no_report_says_so_beside_the_others(open_page, content, found):
    page = open_page("#results")
    page.set_input_files("#reportfiles", [{**report(0.9), "buffer": content}, report(0.8)])
    assert found in page.locator(".bad").inner_text()
    assert (
        "output" in page.locator(".bad").inner_text() or "run" in page.locator(".bad").inner_text()
    )
    assert page.locator(".run").count() == 1
