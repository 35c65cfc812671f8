"""The rendered site, page by page: outputs, links, images, buttons, and in a browser errors and overflow. Run by `make site-test`."""

import json
import os
import re
import shutil
import threading
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from conftest import CHAPTERS, CONFIG, ROOT, lacks, toc_files

from musicgenre import papers
from musicgenre.judgements import Verdict

SITE = ROOT / "_build" / "html"
PAGES = [f"{file}.html" for file in toc_files()]
CHROMIUM = os.environ.get("MUSICGENRE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
WIDTHS_PX = {"desktop": 1280, "phone": 390}

if not os.environ.get("CI"):
    pytestmark = pytest.mark.skipif(not (SITE / "index.html").exists(), reason="no rendered site: run `make book` first")


@cache
def soup(page: str) -> BeautifulSoup:
    """A page, parsed."""
    return BeautifulSoup((SITE / page).read_text(encoding="utf-8"), "html.parser")


def chapter(name: str) -> BeautifulSoup:
    """The page of a chapter."""
    return soup(f"notebooks/{name}.html")


@pytest.fixture(scope="module")
def address():
    """Address of a server of the site."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium without access to anything but the site."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        lacks("no Chromium: install it, or name it in MUSICGENRE_CHROMIUM")
    switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=switches)
        yield chromium
        chromium.close()


def test_every_page_of_the_contents_is_rendered_and_no_other():
    """Nothing of an older build survives."""
    rendered = {path.relative_to(SITE).as_posix() for folder in ("book", "notebooks") for path in (SITE / folder).rglob("*.html")}
    assert rendered == set(PAGES)


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapters_hold_outputs_and_no_errors(name):
    """The notebook was executed to its end, and quietly."""
    page = chapter(name)
    assert page.select(".cell_output")
    assert not page.select(".output.traceback")
    assert not page.select(".output.stderr")


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapters_fold_their_solutions(name):
    """A reader sees the exercise before the solution."""
    summaries = [details.select_one("summary").get_text(" ", strip=True) for details in chapter(name).select(".tag_solution details.hide")]
    assert summaries
    assert {"Show the solution"} == {summary.removesuffix(" Hide code cell content") for summary in summaries}


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapters_open_in_colab_and_can_be_downloaded(name):
    """The buttons lead to the configured repository and to the notebook itself."""
    page, repository = chapter(name), CONFIG["repository"]
    path = f"{repository['url'].removeprefix('https://github.com/')}/blob/{repository['branch']}/notebooks/{name}.ipynb"
    assert page.select(f'a[href="{CONFIG["launch_buttons"]["colab_url"]}/github/{path}"]')
    assert page.select(f'a[href="{repository["url"]}"]')
    download = page.select_one("a.btn-download-source-button")
    assert (SITE / "notebooks" / download["href"]).resolve().is_file()


def test_the_first_chapter_can_be_heard():
    """Clips are seen and heard before anything is computed."""
    players = chapter(CHAPTERS[0]).select("audio")
    assert players
    for player in players:
        sources = [player.get("src"), *(source.get("src") for source in player.select("source"))]
        assert any(source and source.startswith("data:audio/") for source in sources)


# The scoreboard

CLAIMS = [(papers.read(paper).short_name, claim) for paper in papers.PAPERS for claim in papers.read(paper).claims.index]


@pytest.fixture
def scoreboard(browser, address):
    """The page of the scoreboard in the browser."""
    tab = browser.new_page()
    tab.route(lambda url: not url.startswith(address), lambda route: route.fulfill(status=200, body=""))
    tab.goto(f"{address}/book/scoreboard.html", wait_until="load")
    yield tab
    tab.close()


def rows(tab) -> list[list[str]]:
    """The cells of the claims that are shown, in their order."""
    return [row.locator("td").all_inner_texts() for row in tab.locator(".scoreboard tbody tr:visible").all()]


def test_the_scoreboard_can_be_read_without_its_script():
    """The build writes the whole table, with a verdict for each claim."""
    found = [
        [cell.get_text(" ", strip=True) for cell in row.select("td")] for row in soup("book/scoreboard.html").select(".scoreboard tbody tr")
    ]
    assert [(paper, text.split()[0]) for paper, text, *_ in found] == CLAIMS
    assert {verdict.removesuffix(", sign open") for _, _, verdict, *_ in found} <= {f"{verdict.badge} {verdict}" for verdict in Verdict}


def test_the_scoreboard_as_data_agrees_with_its_page():
    """CSV and JSON can be parsed, hold the same, and the same verdicts as the page."""
    csv, table = (
        pd.read_csv(SITE / "book" / "scoreboard.csv", keep_default_na=False),
        soup("book/scoreboard.html").select_one(".scoreboard"),
    )
    records = json.loads((SITE / "book" / "scoreboard.json").read_text(encoding="utf-8"))
    columns = ["paper", "claim", "text", "where", "reported", "verdict", "found", "sign_open", "profile", "protocol", "chapter", "records"]
    assert list(csv.columns) == columns and all(list(record) == columns for record in records)
    joined = [record | {name: " ".join(record[name]) for name in ("protocol", "records")} for record in records]
    assert joined == csv.to_dict("records")
    is_open = csv["sign_open"] & (csv["verdict"] == Verdict.REPRODUCED)
    badges = [f"{Verdict(verdict).badge} {verdict}{', sign open' * one}" for verdict, one in zip(csv["verdict"], is_open, strict=True)]
    assert badges == [badge.text for badge in table.select(".verdict")]
    assert [len(record["records"]) for record in records] == [len(row.select("td")[-1].select("a")) for row in table.select("tbody tr")]
    downloads = soup("book/scoreboard.html").select("a[download]")
    assert [link["href"] for link in downloads] == ["scoreboard.csv", "scoreboard.json"]


def test_the_scoreboard_is_filtered_by_paper_verdict_and_words(scoreboard):
    """The filters work together; the number of claims left is announced."""
    count = scoreboard.locator(".scoreboard-controls output")
    everything = rows(scoreboard)
    assert count.inner_text() == f"{len(CLAIMS)} of {len(CLAIMS)} claims"
    scoreboard.get_by_label("Paper").select_option("Holst")
    assert rows(scoreboard) == [row for row in everything if row[0] == "Holst"]
    verdict = rows(scoreboard)[0][2]
    scoreboard.get_by_label("Verdict").select_option(verdict)
    both = [row for row in everything if row[0] == "Holst" and row[2] == verdict]
    assert rows(scoreboard) == both
    assert count.inner_text() == f"{len(both)} of {len(CLAIMS)} claims"
    scoreboard.get_by_label("Paper").select_option("all")
    scoreboard.get_by_label("Verdict").select_option("all")
    scoreboard.get_by_label("Text").fill("DROPOUT")
    assert rows(scoreboard) == [row for row in everything if "dropout" in " ".join(row).lower()] != []
    scoreboard.get_by_label("Text").fill("no claim says this")
    assert rows(scoreboard) == []


def test_the_scoreboard_is_sorted_by_keyboard_up_and_down(scoreboard):
    """The headers are buttons; C2 comes before C10; assistive technology is told the order."""
    header = scoreboard.locator(".scoreboard").get_by_role("columnheader", name="Claim")
    header.get_by_role("button").focus()
    scoreboard.keyboard.press("Enter")
    numbers = [int(row[1].split()[0].removeprefix("C")) for row in rows(scoreboard)]
    assert numbers == sorted(int(claim.removeprefix("C")) for _, claim in CLAIMS)
    assert header.get_attribute("aria-sort") == "ascending"
    scoreboard.keyboard.press("Enter")
    assert [int(row[1].split()[0].removeprefix("C")) for row in rows(scoreboard)] == sorted(numbers, reverse=True)
    assert header.get_attribute("aria-sort") == "descending"
    scoreboard.get_by_role("button", name="Paper", exact=True).click()
    assert [row[0] for row in rows(scoreboard)] == sorted(paper for paper, _ in CLAIMS)
    assert scoreboard.locator("[aria-sort]").count() == 1


def test_the_scoreboard_sorts_numbers_by_sign_and_size(scoreboard):
    """Differences and shares are sorted by the first number of their cell; cells without one come last."""
    scoreboard.get_by_role("button", name="Paper's number").click()
    shown = [re.search(r"([+-]?\d+(?:\.\d+)?) ?(?:%|points)", row[3]) for row in rows(scoreboard)]
    numbers = [float(found[1]) if found else float("inf") for found in shown]
    assert numbers == sorted(numbers) and numbers[0] < 0 and len(set(numbers)) > 10


# All pages


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    """Every internal link and anchor exists."""
    broken = []
    for link in soup(page).select("a[href]"):
        target = urlsplit(link["href"])
        if target.scheme or target.netloc or link["href"] in ("", "#"):
            continue
        file = (SITE / page).parent / unquote(target.path) if target.path else SITE / page
        if not file.resolve().is_file():
            broken.append(link["href"])
        elif target.fragment and file.suffix == ".html":
            anchor = unquote(target.fragment)
            if not soup(file.resolve().relative_to(SITE).as_posix()).find(id=anchor):
                broken.append(link["href"])
    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_images_are_described(page):
    """Every image says in words what it shows; a file name does not."""
    images = soup(page).select("main img")
    assert [image["src"] for image in images if not image.get("alt") or re.search(r"\.(png|svg|jpe?g)$", image["alt"])] == []


@pytest.mark.parametrize("width", WIDTHS_PX)
@pytest.mark.parametrize("page", PAGES)
def test_pages_fit_the_screen_and_raise_no_errors(page, width, browser, address):
    """No page scrolls sideways, on a desktop or on a phone, and its console stays clean."""
    errors = []
    tab = browser.new_page(viewport={"width": WIDTHS_PX[width], "height": 844})
    tab.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: errors.append(str(error)))
    # Other sites (MathJax, badges) are answered with nothing: the tests need no network.
    tab.route(lambda url: not url.startswith(address), lambda route: route.fulfill(status=200, body=""))
    tab.goto(f"{address}/{page}", wait_until="load")
    overflow = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    tab.close()
    assert errors == []
    assert overflow == 0
