"""The site in a real browser, from the disk: read, sorted, filtered, compared, in two languages and two themes."""

import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.accessible import assert_accessible, with_axe
from tests.cells import bench_of
from tests.site.made import HOSTILE, NASTY, make, write_answers
from tests.test_ui import FLAGS
from vlmbench_assets.site.write import write_site

pytestmark = pytest.mark.engine("chromium")
OTHER = "scored on other samples or references, so not compared"
PAGES = (
    "#/",
    "#/dataset/receipts",
    "#/cell/half/receipts",
    "#/samples/receipts?model=half",
    "#/samples/receipts",
    "#/sample/receipts/r0%2Fshop?model=half",
    "#/compare/good/bad/receipts",
    "#/cell/half/letters",
    "#/nothing/of/the/kind",
)


@pytest.fixture(scope="module")
def browser(root: Path) -> Iterator[Browser]:
    """A browser, and the site to look at."""
    write_site(bench_of(root), root / "site", "small", lambda _: None)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, root: Path) -> Iterator[Page]:
    """The overview, opened from the disk; at the end nothing was complained of and nothing was asked of a server."""
    context = browser.new_context(locale="en-GB", color_scheme="light", viewport={"width": 1300, "height": 900})
    opened = context.new_page()
    told: list[str] = []
    opened.on("console", lambda message: told.append(f"{message.type}: {message.text}"))
    opened.on("pageerror", lambda error: told.append(f"error: {error}"))
    opened.on("request", lambda asked: None if asked.url.startswith("file:") else told.append(asked.url))
    opened.on("requestfailed", lambda asked: told.append(f"failed: {asked.url}"))
    opened.on("dialog", lambda dialog: told.append(f"dialog: {dialog.message}"))
    opened.goto((root / "site" / "index.html").as_uri())
    shown(opened, "#/")
    yield opened
    context.close()
    assert told == []


def shown(page: Page, address: str) -> None:
    """Wait until a page of the site is there."""
    page.wait_for_function("address => document.getElementById('main').dataset.shown === address", arg=address)


def go(page: Page, address: str) -> None:
    page.evaluate("address => { location.hash = address; }", address)
    shown(page, address)


def column(page: Page, table: str, place: int) -> list[str]:
    return [cell.strip() for cell in page.locator(f"{table} tbody tr > *:nth-child({place})").all_inner_texts()]


def test_from_the_overview_to_a_sorted_leaderboard(page: Page) -> None:
    cell = page.get_by_role("link", name="good on receipts: 1.000 0.701–1.000")
    expect(cell).to_contain_text("1.000")
    page.get_by_role("link", name="Leaderboard: receipts").click()
    shown(page, "#/dataset/receipts")
    expect(page).to_have_title("receipts · vlmbench")
    board = page.get_by_role("region", name="Table: Leaderboard").locator("table")
    rank = board.get_by_role("columnheader", name="Rank", exact=True)
    expect(rank).to_have_attribute("aria-sort", "ascending")
    assert [row.split()[0] for row in board.locator("tbody th").all_inner_texts()] == ["good", "half", "bad"]
    sort = board.get_by_role("button", name="exact_match")
    sort.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(board.get_by_role("columnheader", name="exact_match")).to_have_attribute("aria-sort", "ascending")
    assert [row.split()[0] for row in board.locator("tbody th").all_inner_texts()] == ["bad", "half", "good"]
    page.get_by_role("link", name="half", exact=True).first.click()
    shown(page, "#/cell/half/receipts")
    expect(page.locator(".headline")).to_contain_text("exact_match 0.481")
    expect(page.get_by_role("region", name="Table: History").locator("tbody tr")).to_have_count(1)
    # Two dimensions at once are there without looking for them.
    expect(page.get_by_role("region", name="Table: By field × image condition").locator("tbody tr")).to_have_count(3)
    page.get_by_label("By", exact=True).select_option("subset")
    expect(page.get_by_role("region", name="Table: By image condition").locator("tbody tr")).to_have_count(2)


def test_overview_and_dataset_say_who_leads_in_both_languages(page: Page) -> None:
    expect(page.locator(".lead").first).to_have_text(
        "good is best: 1.000 (95 %: 0.701–1.000). Behind beyond the noise: half and bad."
    )
    board = page.get_by_role("region", name="Table: Averages of all").locator("table")
    assert board.locator("thead th").all_inner_texts()[:4] == ["Model", "exact_match", "95 % interval", "Rank"]
    assert board.locator("tbody tr").first.inner_text().split("\t")[1] == "1.000"
    expect(page.locator(".lead").nth(1)).to_contain_text("Only good has a score: 1.000 (95 %")
    go(page, "#/dataset/receipts")
    expect(page.locator(".lead")).to_contain_text("good is best: 1.000")
    expect(page.locator(".tiles dd").first).to_have_text("1.00095 % interval 0.701–1.000")
    page.get_by_label("Language").select_option("ru")
    expect(page.locator(".lead")).to_contain_text(
        "Лучшая модель — good: 1,000 (95 %: 0,701–1,000). Позади сверх шума: half и bad."
    )


def test_every_verdict_has_words(page: Page) -> None:
    rows = [
        {"model": model, "score": score, "ci_low": score - 0.1, "ci_high": score + 0.1, "rank_low": 1, "rank_high": 3}
        | {"median_latency_ms": 100 / score, "cost_per_1000": score, "currency": "USD"}
        for model, score in (("a", 0.8), ("b", 0.5), ("c", 0.4))
    ]
    nothing = {
        "whole": [],
        "part": [],
        "before": [],
        "documents": 4,
        "least": 6,
        "scored": 3,
        "compared": 3,
        "models": 3,
    }

    def said(by: str = "", **lead: object) -> str:
        told = {"rows": rows, "by": by, "metric": None, "lead": {**nothing, **lead}}
        return str(page.evaluate("board => site.verdict(board).textContent", told))

    assert said(kind="none", first=[]) == "No model has a score yet."
    assert said("mean", kind="one", first=["a"]).startswith("Only a has an average: 0.800 (95 %: 0.700–0.900). ")
    assert said(kind="apart", first=["a"]).endswith("The best score has a with 0.800 (95 %: 0.700–0.900).")
    assert said(kind="few", first=["a"]).startswith(
        "Nothing can be told apart: 4 documents, and a paired test needs 6."
    )
    level = "No best model can be named: a (0.800) and b (0.500) cannot be told apart."
    assert said(kind="level", first=["a", "b"]) == level
    two = said(kind="leads", first=["a", "b"], part=["c"], before=["a"], compared=3, models=4)
    assert two.startswith("a and b lead of the 3 that can be compared and cannot be told apart: a has 0.800 (possible ")
    assert two.endswith(" Behind a: c.")
    costs = said("rank", kind="leads", first=["a", "b"], fastest=["a", 0.5, 200], cheapest=["b", 0.5, 0.8])
    assert "a is fastest: <1 ms in the median, the slowest 200 ms. Cheapest of them is b: 0.50 USD for 1,000" in costs
    assert "a has 0.80 (" in costs
    assert said("mean", kind="incomplete", first=[]).startswith("No model has a comparable score on every dataset, so ")
    assert said("rank", kind="incomplete", first=["b"]).startswith("Only b has a comparable score on every dataset")
    # Two languages have the same words with the same blanks.
    words = """language => Object.entries(site.words[language]).map(([key, text]) => [
        key.replace(/\\.(one|few|many|other)$/, ''), [...text.matchAll(/\\{\\w+\\}/g)].map(String).sort(),
    ])"""
    assert dict(page.evaluate(words, "en")) == dict(page.evaluate(words, "ru"))


def test_reasons_and_figures_are_in_the_language_of_the_page(page: Page) -> None:
    page.get_by_label("Language").select_option("ru")
    reasons = {
        OTHER: "оценено на других примерах или эталонах, поэтому не сравнивается",
        "references changed": "эталоны изменились",
        "option model a → b": "параметр model: a → b",
        "generation temperature 0.0 → 0.2": "генерация, temperature: 0.0 → 0.2",
        "output contract: there is no date in it": "контракт вывода: в ответе нет даты",
        "output contract: something new": "контракт вывода: something new",
        "2 samples added": "добавлено примеров: 2",
    }
    for english, russian in reasons.items():
        assert page.evaluate("text => site.translated(text)", english) == russian
        assert page.evaluate("text => site.reason(text).lang", english) is None
    assert page.evaluate("text => site.reason(text).lang", "no engine") == "en"
    go(page, "#/cell/half/receipts")
    assert page.locator("main [lang=en]").all_inner_texts() == page.locator("main tbody th [lang=en]").all_inner_texts()
    dimensions = "[['doc_type*field', 'receipt|total'], ['field*doc_type', '|x'], ['field', 'a|b']]"
    assert page.evaluate(f"{dimensions}.map(([one, two]) => [site.dimension(one), site.group(one, two)])") == [
        ["тип документа × поле", "receipt · total"],
        ["поле × тип документа", "(нет) · x"],
        ["поле", "a|b"],
    ]
    few = "each => site.h('p', {}, site.bounds(...each)).textContent"
    assert page.evaluate(few, [0.5, None, None, None, 4]) == "4 документа: слишком мало"
    assert page.evaluate(few, [None, None, None, None, 4]) == "—"
    assert page.evaluate(few, [0.5, 0.4, 0.6, None, 9]) == "0,400–0,600"


def test_a_cost_names_its_currency_and_several_have_no_axis_in_common(page: Page) -> None:
    rows: list[dict[str, object]] = [
        {"model": model, "cost_per_1000": cost, "currency": currency, "score": 0.5, "front": False, "flags": {}}
        for model, cost, currency in (("a", 0.28, "USD"), ("b", 23.77, "RUB"), ("c", 0, ""), ("d", None, ""))
    ]
    assert page.evaluate("rows => rows.map(site.cost)", rows) == ["0.28 USD", "23.77 RUB", "0.00", "—"]
    assert page.evaluate("rows => site.currencies(rows)", rows) == ["USD", "RUB"]
    charts = "rows => [...site.charts({ rows, metric: null }).querySelectorAll('svg')].map((each) => each.textContent)"
    told = [{**row, "median_latency_ms": 10 + at} for at, row in enumerate(rows)]
    assert len(page.evaluate(charts, told)) == 1
    (_, cost) = page.evaluate(charts, [told[0], {**told[1], "currency": "USD"}])
    assert "Cost of 1,000 answers, USD" in cost


def test_a_cell_without_scores_shows_its_answers(page: Page) -> None:
    go(page, "#/dataset/letters")
    page.get_by_role("region", name="Table: Leaderboard").get_by_role("link", name="half").click()
    shown(page, "#/cell/half/letters")
    expect(page.locator(".headline")).to_have_text("No score")
    expect(page.get_by_text("no scores")).to_be_visible()
    page.get_by_role("link", name="27 answers, browse").click()
    expect(page.locator("#found")).to_have_text("27 samples")
    expect(page.locator(".samples tbody tr").first.locator("td").last).to_have_text("—")


def test_samples_are_filtered_and_opened_and_stepped_through(page: Page) -> None:
    go(page, "#/samples/receipts?model=half")
    expect(page.locator("#found")).to_have_text("27 samples")
    assert column(page, ".samples", 6)[:2] == ["0.000", "0.000"]
    page.get_by_label("field").select_option("shop")
    page.get_by_label("Kind of error").select_option("correct")
    expect(page.locator("#found")).to_have_text("4 samples")
    page.get_by_label("Text of question").fill("лавка 3")
    expect(page.locator("#found")).to_have_text("1 sample")
    page.get_by_label("Text of question").fill("")
    expect(page.locator("#found")).to_have_text("4 samples")
    first = page.locator("a.open").first
    first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("a.open").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("sample 2 of 4")).to_be_visible()
    # What looks like a script in gold and answer is text.
    assert HOSTILE in page.locator(".gold pre").inner_text()
    expect(page.get_by_text("Letter for letter as expected.")).to_have_count(2)
    picture = page.locator("img.page")
    expect(picture).to_have_attribute("alt", "Document r3, page 1 of 1")
    picture.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('img.page').naturalWidth === 720")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("sample 3 of 4")).to_be_visible()
    # However long an answer is, here it is whole; a list has its beginning.
    go(page, "#/sample/receipts/r0%2Fshop?model=bad")
    bad = page.locator("article", has=page.get_by_role("link", name="bad", exact=True))
    assert len(bad.locator("pre").inner_text()) == len(NASTY["r0/shop"])
    go(page, "#/sample/receipts/r0%2Ftotal")
    expect(bad.locator("pre")).to_have_text("\ufffd \u2028 \ufffd '; alert(1); //", use_inner_text=True)
    half = page.locator("article", has=page.get_by_role("link", name="half", exact=True))
    expect(half.locator("del")).to_have_text("0")
    expect(half.locator("ins")).to_have_text("?")


def test_two_models_are_compared(page: Page) -> None:
    go(page, "#/compare/bad/half/receipts")
    expect(page.locator(".headline")).to_contain_text("+0.481")
    expect(page.locator(".verdict")).to_have_text("better")
    expect(page.locator("#found")).to_have_text("13 samples")
    page.get_by_label("Show").select_option("same")
    expect(page.locator("#found")).to_have_text("14 samples")
    page.get_by_role("button", name="Swap").click()
    shown(page, "#/compare/half/bad/receipts")
    expect(page.locator(".headline")).to_contain_text("−0.481")
    expect(page.locator(".verdict")).to_have_text("worse")


def test_ticks_tell_one_from_the_next(page: Page) -> None:
    across = (((0.5, 0.5), False), ((0.001, 0.004), False), ((0.001, 90_000), True), ((100.2, 100.9), True))
    up = ((0.5, 0.5), (0.9801, 0.9834), (0.1, 0.9), (2, 31))
    texts = (
        "([told, kind]) => [...site.scatter(told).querySelectorAll(`.tick.${kind}`)].map((each) => each.textContent)"
    )
    for ((x, log), y), kind in product(product(across, up), ("end", "middle")):
        points = [{"name": str(at), "x": x[at], "y": y[at]} for at in (0, 1)]
        told = {"label": "l", "points": points, "x": "x", "y": "y", "log": log}
        found = page.evaluate(texts, [told, kind])
        assert len(found) > 1, (x, y, kind)
        assert len(set(found)) == len(found), (x, y, kind, found)


def test_the_language_is_switched_and_kept(page: Page) -> None:
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_label("Language").select_option("ru")
    expect(page.locator("h1")).to_have_text("Обзор")
    assert page.locator("html").get_attribute("lang") == "ru"
    page.reload()
    expect(page.locator("h1")).to_have_text("Обзор")
    go(page, "#/cell/half/receipts")
    expect(page.locator(".headline")).to_contain_text("0,481")
    page.get_by_label("Тема").select_option("dark")
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ru", "dark")])
def test_every_page_can_be_used_by_everybody(browser: Browser, root: Path, language: str, theme: str) -> None:
    context = browser.new_context(locale=language, color_scheme="dark" if theme == "dark" else "light")
    page = with_axe(context.new_page())
    page.goto((root / "site" / "index.html").as_uri())
    shown(page, "#/")
    for address in PAGES:
        go(page, address)
        assert_accessible(page)
    context.close()


@pytest.mark.parametrize("width", [1300, 390])
def test_a_document_is_seen_whole(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    go(page, "#/sample/receipts/r0%2Fshop?model=half")
    page.wait_for_function("() => document.querySelector('img.page').naturalWidth === 720")
    cut = "document.querySelector('.pictures').scrollWidth - document.querySelector('.pictures').clientWidth"
    assert page.evaluate(cut) <= 0


def test_what_is_wider_than_the_screen_shows_that_it_goes_on(page: Page) -> None:
    go(page, "#/dataset/receipts")
    box = page.locator(".edges", has=page.get_by_role("region", name="Table: Leaderboard"))
    heads = box.locator("thead th")
    assert heads.all_inner_texts()[:4] == ["Model", "exact_match", "95 % interval", "Rank"]
    expect(box).to_have_class("edges")
    page.set_viewport_size({"width": 390, "height": 900})
    expect(box).to_have_class("edges after")
    expect(heads.filter(has_text="Samples")).to_be_hidden()
    assert heads.evaluate_all("(heads) => heads.slice(0, 4).every((head) => head.getBoundingClientRect().x < 390)")
    box.locator(".scroll").evaluate("region => { region.scrollLeft = 9999; }")
    expect(box).to_have_class("edges before")
    # Whose row it is stays in sight.
    assert box.locator("tbody th").first.evaluate("cell => cell.getBoundingClientRect().left") >= 0
    # Letters of a chart stay readable; what does not fit is scrolled to, by keyboard too.
    page.evaluate("""() => site.dataset('receipts').rows.forEach((row, at) => { row.median_latency_ms = 10 ** at; })""")
    go(page, "#/")
    go(page, "#/dataset/receipts")
    chart = page.get_by_role("region", name="Chart: exact_match against median latency")
    assert chart.locator("svg").evaluate("chart => chart.getBoundingClientRect().width") > 500
    assert chart.get_attribute("tabindex") == "0"


def test_what_cannot_be_compared_has_no_colour(page: Page) -> None:
    page.evaluate(
        """async (why) => {
            site.rowOf(site.dataset('receipts'), 'good').apart = why;
            (await site.load('datasets/receipts/board')).gold = [0, 1, 1];
        }""",
        OTHER,
    )
    go(page, "#/dataset/receipts")
    row = page.locator(".pairs tbody tr")
    reason = f"not comparable: {OTHER}"
    expect(row.nth(0).locator("a")).to_have_text([reason, reason])
    expect(row.nth(1).locator(".win")).to_have_text(["+0.481 better"])
    expect(row.nth(1).locator(".loss")).to_have_count(0)
    # Two that were scored on the same old references can be held against each other.
    page.evaluate("async () => { (await site.load('datasets/receipts/board')).gold = [1, 1, 0]; }")
    go(page, "#/")
    go(page, "#/dataset/receipts")
    expect(row.nth(0).locator(".win")).to_have_count(1)


def test_a_narrow_screen_scrolls_tables_and_nothing_else(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    for address in PAGES:
        go(page, address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address


def test_a_comparison_says_what_must_be_known_of_either_model(page: Page) -> None:
    go(page, "#/compare/good/half/receipts")
    expect(page.locator(".concerns")).to_have_count(0)
    page.evaluate(
        """() => {
            const [one, two] = ['good', 'half'].map((model) => site.rowOf(site.dataset('receipts'), model));
            one.flags = { limit: [6, 27], tuned: true };
            two.flags = { stale: ['option answers'], imported: 'a file', failed: ['metrics: no engine'] };
        }"""
    )
    go(page, "#/compare/half/good/receipts")
    expect(page.locator(".concerns")).to_have_count(2)
    expect(page.locator(".concerns").first).to_contain_text("half")
    expect(page.locator(".concerns").first.locator(".chip")).to_have_count(3)
    expect(page.locator(".concerns").last).to_contain_text("only 6 of 27 samples were asked")


def test_a_cell_that_cannot_be_read_says_why(page: Page) -> None:
    page.evaluate(
        """() => Object.assign(site.rowOf(site.dataset('receipts'), 'half'), {
            score: null, samples: null, flags: { missing: true, unreadable: 'answers.csv is gone' },
        })"""
    )
    go(page, "#/dataset/receipts")
    row = page.get_by_role("region", name="Table: Leaderboard").get_by_role("row", name="half")
    expect(row).to_contain_text("cannot be read")
    expect(page.locator(".notes li")).to_have_text("cannot be read: answers.csv is gone half")
    go(page, "#/")
    expect(page.locator(".matrix").get_by_role("row", name="half").first).to_contain_text("cannot be read")


def test_the_policy_stops_what_is_foreign(browser: Browser, root: Path) -> None:
    page = browser.new_page()
    page.goto((root / "site" / "index.html").as_uri())
    page.evaluate(
        """() => {
            window.stopped = [];
            document.addEventListener('securitypolicyviolation', (event) => window.stopped.push(event));
            const script = document.createElement('script');
            script.textContent = 'window.broken = true';
            document.body.append(script);
        }"""
    )
    page.wait_for_function("window.stopped.length === 1")
    assert page.evaluate("window.broken") is None
    page.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_web_server_may_serve_it_under_any_path(browser: Browser, root: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        home = f"http://127.0.0.1:{server.server_port}/site/"
        page.goto(f"{home}#/compare/good/half/receipts")
        shown(page, "#/compare/good/half/receipts")
        expect(page.locator(".verdict")).to_have_text("worse")
        page.close()
        server.shutdown()
    assert all(url.startswith(home) for url in asked)


def test_after_a_new_run_a_reload_shows_it(page: Page, root: Path) -> None:
    go(page, "#/cell/bad/receipts")
    expect(page.locator(".headline")).to_contain_text("exact_match 0.000")
    write_answers(root, "bad", {"r0/total": "07.50", "r1/total": "17.50", "r2/total": "27.50"})
    before = {path.name: path.stat().st_ino for path in (root / "site" / "images").iterdir()}
    done = write_site(make(root), root / "site", "small", lambda _: None)
    assert (done.pictures_made, done.pictures_kept) == (0, 9)
    assert {path.name: path.stat().st_ino for path in (root / "site" / "images").iterdir()} == before
    page.reload()
    expect(page.locator(".headline")).to_contain_text("exact_match 0.111")
    go(page, "#/dataset/receipts")
    expect(page.get_by_role("row", name="bad").first).to_contain_text("+0.111")
    go(page, "#/cell/bad/receipts")
    history = page.get_by_role("region", name="Table: History")
    expect(history.locator("tbody tr")).to_have_count(2)
    expect(history.locator("tbody tr").first).to_contain_text("option answers sha256 ")
    expect(history.locator("tbody tr").first).to_contain_text("3 samples better, 0 worse")
