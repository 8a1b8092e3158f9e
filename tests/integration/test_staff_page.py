"""The staff page as a person uses it: headless Chromium, 360 pixels wide, against the real server."""

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, ViewportSize, expect, sync_playwright
from wait import wait_for
from web_box import Box, item

from rfidguard.alarm import Alarm
from rfidguard.clock import SystemClock
from rfidguard.web.access import Access, Client
from rfidguard.web.app import create_app
from rfidguard.web.server import WebServer

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE = ViewportSize(width=360, height=740)
SOON_MS = 20_000
STAFF = Client("staff-2", "staff", "staff-2-token-0123456789")
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("shop")) as box:
        yield box


@pytest.fixture
def box(shop: Box) -> Iterator[Box]:
    """The shop's box, with no alarm open."""
    yield shop
    for alarm in shop.open_alarms():
        submit(shop, alarm, "cleaner", action="resolve", outcome="unknown")


@pytest.fixture
def device(browser: Browser, box: Box) -> Iterator[Open]:
    """Opens the page on another device each time it is called. Every error in a page's console fails the test."""
    opened, problems = [], []

    def open_page(name: str = "", dark: bool = False, path: str = "/") -> Page:
        context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="dark" if dark else "light")
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(SOON_MS)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if "Content Security Policy" in said.text else None)
        if name:
            page.add_init_script(f"localStorage.setItem('rfidguard-name', '{name}')")
        page.goto(box.web.url + path)
        return page

    yield open_page
    for context in opened:
        context.close()
    assert problems == []


def live(page: Page) -> Page:
    expect(page.locator("#link")).to_have_text("Live", timeout=SOON_MS)
    return page


def card(page: Page, alarm: Alarm) -> Locator:
    found = page.locator(f".card[data-alarm='{alarm.id}']")
    expect(found).to_be_visible(timeout=SOON_MS)
    return found


def tap(where: Locator, name: str) -> None:
    where.get_by_role("button", name=name, exact=True).tap()


def submit(box: Box, alarm: Alarm, by: str, **fields: str) -> None:
    answer = {"id": str(uuid.uuid4()), "alarm": alarm.id} | fields
    assert box.submit_answer(json.dumps(answer).encode(), by).result(10).status == "accepted"


def row(page: Page, alarm: Alarm) -> Locator:
    return page.locator(f"#closed .row[data-alarm='{alarm.id}']")


def stored(box: Box, alarm: Alarm) -> Alarm:
    found = box.get_alarm(alarm.id)
    assert found is not None
    return found


def photograph(page: Page, name: str) -> None:
    folder = os.environ.get("RFIDGUARD_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def no_sideways_scroll(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_an_alarm_appears_by_itself_with_its_items_and_reason(box: Box, device: Open) -> None:
    page = live(device())
    expect(page.locator("#calm")).to_be_visible()
    alarm = box.raise_alarm(item(1, name="Wool coat", price="129.00"), item(2))
    shown = card(page, alarm)
    expect(shown.locator("h3")).to_have_text("Please check 2 items")
    expect(shown).to_contain_text("Wool coat")
    expect(shown).to_contain_text("Article 00614141123452")
    expect(shown).to_contain_text("Not in the sales so far.")
    expect(shown).to_contain_text("very sure")
    expect(shown).to_contain_text("Gate front")
    expect(page.locator("#spoken")).to_have_text("Please check 2 items, Gate front")
    expect(page).to_have_title("(1) Exit alarms")
    photograph(page, "alarm")


def test_an_alarm_that_was_open_before_is_shown_at_once(box: Box, device: Open) -> None:
    alarm = box.raise_alarm(item())
    card(device(), alarm)


def test_a_page_in_front_confirms_that_the_alarm_arrived(box: Box, device: Open) -> None:
    page = live(device("staff-1"))
    alarm = box.raise_alarm(item())
    card(page, alarm)
    wait_for(lambda: stored(box, alarm).delivered_by == "staff-1")
    assert stored(box, alarm).state == "open"


def test_who_is_on_it_is_seen_on_a_second_device(box: Box, device: Open) -> None:
    one, two = live(device("staff-1")), live(device("staff-2"))
    alarm = box.raise_alarm(item())
    card(one, alarm)
    tap(card(two, alarm), "I’m on it")
    expect(card(one, alarm).locator(".taken")).to_have_text("staff-2 is on it", timeout=SOON_MS)
    expect(card(two, alarm).locator(".taken")).to_have_text("You are on it", timeout=SOON_MS)
    photograph(one, "taken-by-another")


def test_an_outcome_takes_two_taps(box: Box, device: Open) -> None:
    page = live(device("staff-2"))
    alarm = box.raise_alarm(item(name="Wool coat"))
    tap(card(page, alarm), "I’m on it")
    tap(card(page, alarm), "Item is back")
    expect(row(page, alarm)).to_contain_text("Item is back – staff-2", timeout=SOON_MS)
    expect(page.locator("#calm")).to_be_visible()
    assert stored(box, alarm).state == "resolved"
    photograph(page, "closed")


def test_an_outcome_takes_two_taps_without_taking_it_first(box: Box, device: Open) -> None:
    page = live(device())
    alarm = box.raise_alarm(item())
    tap(card(page, alarm), "Close it…")
    tap(card(page, alarm), "Paid after all")
    expect(row(page, alarm)).to_contain_text("Paid after all", timeout=SOON_MS)


def test_a_rare_outcome_is_behind_more(box: Box, device: Open) -> None:
    page = live(device())
    alarm = box.raise_alarm(item())
    tap(card(page, alarm), "I’m on it")
    tap(card(page, alarm), "More…")
    photograph(page, "more-outcomes")
    tap(card(page, alarm), "Staff or transfer")
    expect(row(page, alarm)).to_contain_text("Staff or transfer", timeout=SOON_MS)


def test_items_may_be_answered_one_by_one(box: Box, device: Open) -> None:
    page = live(device())
    alarm = box.raise_alarm(item(1), item(2))
    tap(card(page, alarm), "I’m on it")
    tap(card(page, alarm), "Item by item…")
    choices = card(page, alarm).locator("select")
    choices.nth(0).select_option("recovered")
    expect(card(page, alarm).get_by_role("button", name="Close with these answers")).to_be_disabled()
    choices.nth(1).select_option("paid_late")
    photograph(page, "item-by-item")
    tap(card(page, alarm), "Close with these answers")
    expect(row(page, alarm)).to_be_visible(timeout=SOON_MS)
    assert [part.outcome for part in stored(box, alarm).items] == ["recovered", "paid_late"]


def test_who_was_late_is_told_who_was_first(box: Box, device: Open) -> None:
    def another_is_quicker(route: Route) -> None:
        if "acknowledge" in (route.request.post_data or ""):
            submit(box, alarm, "staff-9", action="acknowledge")
        route.continue_()

    page = live(device("staff-2"))
    alarm = box.raise_alarm(item())
    card(page, alarm)
    page.route("**/answers", another_is_quicker)
    tap(card(page, alarm), "I’m on it")
    expect(card(page, alarm).locator(".problem")).to_have_text("staff-9 was first.", timeout=SOON_MS)
    expect(card(page, alarm).locator(".taken")).to_have_text("staff-9 is on it")


def test_a_tap_whose_reply_is_lost_counts_once(box: Box, device: Open) -> None:
    def lose_the_reply(route: Route) -> None:
        route.fetch()
        route.abort()

    page = live(device("staff-2"))
    alarm = box.raise_alarm(item())
    card(page, alarm)
    wait_for(lambda: stored(box, alarm).delivered_by)
    page.route("**/answers", lose_the_reply)
    tap(card(page, alarm), "I’m on it")
    expect(card(page, alarm).locator(".taken")).to_have_text("You are on it", timeout=SOON_MS)
    expect(card(page, alarm).locator(".problem")).to_have_count(0)
    assert stored(box, alarm).revision == 3


def test_a_tap_that_does_not_get_through_says_so_and_may_be_repeated(box: Box, device: Open) -> None:
    page = live(device("staff-2"))
    alarm = box.raise_alarm(item())
    card(page, alarm)
    page.route("**/answers", lambda route: route.abort())
    tap(card(page, alarm), "I’m on it")
    expect(card(page, alarm).locator(".problem")).to_contain_text("Not sent", timeout=SOON_MS)
    page.unroute("**/answers")
    tap(card(page, alarm), "I’m on it")
    expect(card(page, alarm).locator(".taken")).to_have_text("You are on it", timeout=SOON_MS)
    expect(card(page, alarm).locator(".problem")).to_have_count(0)


def test_the_most_severe_alarm_stands_first_then_the_newest(box: Box, device: Open) -> None:
    page = live(device())
    old = box.raise_alarm(item(1))
    urgent = box.raise_alarm(item(2), severity="critical")
    new = box.raise_alarm(item(3))
    card(page, new)
    shown = page.locator(".card").evaluate_all("(cards) => cards.map((card) => card.dataset.alarm)")
    assert shown == [urgent.id, new.id, old.id]


def test_nothing_scrolls_sideways_however_long_the_names(box: Box, device: Open) -> None:
    page = live(device("x" * 64))
    long_item = item(1, name="W" * 90, serial="8" * 60, epc="3034" * 16, price="1234567890.99", reason="a" * 70)
    alarm = box.raise_alarm(long_item, item(2, gtin=None, serial=None))
    tap(card(page, alarm), "I’m on it")
    expect(card(page, alarm).locator(".taken")).to_have_text("You are on it", timeout=SOON_MS)
    assert no_sideways_scroll(page)
    tap(card(page, alarm), "More…")
    assert no_sideways_scroll(page)
    tap(card(page, alarm), "Item by item…")
    assert no_sideways_scroll(page)
    photograph(page, "long-names")


def test_every_button_is_large_enough_for_a_thumb(box: Box, device: Open) -> None:
    page = live(device())
    alarm = box.raise_alarm(*(item(number) for number in range(6)))
    tap(card(page, alarm), "I’m on it")
    tap(card(page, alarm), "More…")
    heights = page.locator("button:visible").evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().height)")
    assert min(heights) >= 44


def test_names_from_outside_are_shown_as_text(box: Box, device: Open) -> None:
    evil = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
    page = live(device())
    alarm = box.raise_alarm(item(name=evil, reason="<b>bold</b>", serial="<i>"), kind="<u>kind</u>")
    shown = card(page, alarm)
    expect(shown.locator(".item-name")).to_have_text(evil)
    expect(shown).to_contain_text("<b>bold</b>")
    assert shown.locator("img, script, b, i, u").count() == 0
    tap(shown, "Close it…")
    tap(shown, "Item is back")
    expect(row(page, alarm)).to_contain_text(evil, timeout=SOON_MS)
    assert page.locator("#closed img, #closed script").count() == 0
    assert page.title() == "Exit alarms"


def test_a_lost_connection_is_shown_and_what_was_missed_comes_back(box: Box, device: Open) -> None:
    page = live(device())
    closed_meanwhile = box.raise_alarm(item(1))
    card(page, closed_meanwhile)
    box.web.stop()
    expect(page.locator("#lost")).to_be_visible(timeout=SOON_MS)
    expect(page.locator("#link")).to_have_text("No connection")
    photograph(page, "connection-lost")
    missed = box.raise_alarm(item(2))
    submit(box, closed_meanwhile, "staff-9", action="resolve", outcome="stray")
    box.web = WebServer(create_app(box, box.access), "127.0.0.1", box.web.port, SystemClock())
    box.web.start()
    card(page, missed)
    expect(page.locator("#lost")).to_be_hidden()
    expect(row(page, closed_meanwhile)).to_contain_text("Read from afar – staff-9")


def test_sound_is_off_until_tapped(box: Box, device: Open) -> None:
    page = live(device())
    sound = page.locator("#sound")
    expect(sound).to_have_attribute("aria-pressed", "false")
    sound.tap()
    expect(sound).to_have_text("Sound is on")
    alarm = box.raise_alarm(item())
    card(page, alarm)
    sound.tap()
    expect(sound).to_have_attribute("aria-pressed", "false")


def test_a_person_may_give_a_name_to_the_device(box: Box, device: Open) -> None:
    page = live(device())
    page.locator("#who").tap()
    page.locator("#name-field").fill("Märia K.")
    page.locator("#name-save").tap()
    expect(page.locator("#who")).to_have_text("You: maria-k")
    alarm = box.raise_alarm(item())
    tap(card(page, alarm), "I’m on it")
    expect(card(page, alarm).locator(".taken")).to_have_text("You are on it", timeout=SOON_MS)
    assert stored(box, alarm).acknowledged_by == "maria-k"
    page.reload()
    expect(page.locator("#who")).to_have_text("You: maria-k")


def test_the_keyboard_is_enough(box: Box, device: Open) -> None:
    page = live(device())
    alarm = box.raise_alarm(item())
    card(page, alarm).get_by_role("button", name="I’m on it").focus()
    page.keyboard.press("Enter")
    expect(card(page, alarm).locator(".taken")).to_have_text("You are on it", timeout=SOON_MS)
    expect(card(page, alarm).locator(".ask")).to_be_focused(timeout=SOON_MS)
    page.keyboard.press("Enter")
    assert stored(box, alarm).state == "acknowledged"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(row(page, alarm)).to_be_visible(timeout=SOON_MS)


def test_an_update_does_not_close_what_a_person_has_opened(box: Box, device: Open) -> None:
    page, other = live(device("staff-1")), live(device("staff-2"))
    alarm = box.raise_alarm(item(1), item(2))
    tap(card(page, alarm), "Close it…")
    tap(card(page, alarm), "Item by item…")
    card(page, alarm).locator("select").nth(0).select_option("recovered")
    tap(card(other, alarm), "I’m on it")
    expect(card(page, alarm).locator(".taken")).to_have_text("staff-2 is on it", timeout=SOON_MS)
    expect(card(page, alarm).locator("select").nth(0)).to_have_value("recovered")


def test_dark_is_dark(box: Box, device: Open) -> None:
    page = live(device(dark=True))
    box.raise_alarm(item(1, name="Wool coat"), severity="critical")
    expect(page.locator(".card")).to_have_count(1, timeout=SOON_MS)
    red, green, blue = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert max(red, green, blue) < 60
    photograph(page, "dark")


def test_a_token_opens_the_page_and_signing_out_closes_it(tmp_path: Path, browser: Browser) -> None:
    with Box(tmp_path, Access([STAFF])) as box, browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        page.goto(box.web.url)
        page.get_by_label("Token of this device").fill("wrong-token")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#refused")).to_have_text("This token is not known. Please check it and try again.", timeout=SOON_MS)
        photograph(page, "sign-in")
        page.get_by_label("Token of this device").fill(STAFF.token)
        page.get_by_role("button", name="Sign in").click()
        live(page)
        expect(page.locator("#who")).to_have_text("You: staff-2")
        alarm = box.raise_alarm(item())
        card(page, alarm).get_by_role("button", name="I’m on it").click()
        expect(card(page, alarm).locator(".taken")).to_have_text("You are on it", timeout=SOON_MS)
        assert page.evaluate("document.cookie") == ""
        page.locator("#sign-out").click()
        expect(page.get_by_label("Token of this device")).to_be_visible(timeout=SOON_MS)


def test_a_session_that_is_over_leads_back_to_the_sign_in(tmp_path: Path, browser: Browser) -> None:
    with Box(tmp_path, Access([STAFF])) as box, browser.new_context(viewport=PHONE) as context:
        context.request.post(f"{box.web.url}/v1/session", data={"token": STAFF.token})
        page = context.new_page()
        page.goto(box.web.url)
        alarm = box.raise_alarm(item())
        card(live(page), alarm)
        context.clear_cookies()
        card(page, alarm).get_by_role("button", name="I’m on it").click()
        expect(page.get_by_label("Token of this device")).to_be_visible(timeout=SOON_MS)
