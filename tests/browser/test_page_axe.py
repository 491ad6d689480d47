"""axe-core finds nothing serious on any screen, and nothing runs over the rim."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
SCREENS = ("spell", "practise", "pictures", "collect", "results")
FOUND = """async () => (await axe.run({ resultTypes: ['violations'] })).violations
    .filter(x => ['serious', 'critical'].includes(x.impact))
    .map(x => `${x.id}: ${x.nodes.map(n => n.target.join(' ')).join(', ')}`)"""
REPORT = {
    "test_accuracy": 0.9, "pictures": 9, "unseen_signers": {"others": {"test_accuracy": 0.7}},
    "per_class_metrics": {x: {"support": 9, "recall": 0.5, "precision": None} for x in "ABC"},
}  # fmt: skip


def filled(page, screen):
    """Brings a screen into the state that has the most to see."""
    page.evaluate("Object.assign(fake, { label: 'A', p: 0.5, rival: 'S' })")
    page.locator("summary").evaluate("summary => { summary.parentElement.open = true }")
    bad = {"name": "bad.png", "mimeType": "image/png", "buffer": b"bad"}
    good = {"name": "A.svg.png", "mimeType": "image/png", "buffer": bytes.fromhex(DOT)}
    run = {"name": "a.json", "mimeType": "application/json", "buffer": json.dumps(REPORT).encode()}
    if screen == "pictures":
        page.set_input_files("#files", [bad, good])
        page.locator(".read").nth(1).wait_for()
    if screen == "results":
        page.set_input_files("#reportfiles", [run, run, {**run, "buffer": b"{"}])
        page.locator(".run").nth(1).wait_for()


DOT = (
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c63f8cfc0f01f00050001ff89993d1d0000000049454e44ae426082"
)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_serious_on_any_screen(open_page, width, theme):
    found = []
    page = open_page(width=width, theme=theme, bypass_csp=True, reduced_motion="reduce")
    page.add_script_tag(path=AXE)
    for screen in SCREENS:
        page.evaluate("name => { location.hash = name }", screen)
        page.wait_for_selector(f"#screen-{screen}:visible")
        filled(page, screen)
        page.wait_for_timeout(150)
        found += [f"{screen}: {x}" for x in page.evaluate(FOUND)]
        wide = page.evaluate("document.documentElement.scrollWidth")
        found += [f"{screen}: {wide} px wide"] if wide > width else []
    assert found == []


@pytest.mark.parametrize("query", ["?fails=device", "?slow", "?mock", "?key=k"])
def test_nothing_serious_in_a_state_that_waits(open_page, query):
    page = open_page(query, bypass_csp=True, reduced_motion="reduce")
    page.add_script_tag(path=AXE)
    assert page.evaluate(FOUND) == []
