"""Opens the dashboard of a running server in Chromium and uses it as a person would.

    python3 Tests/Browser/dashboard.py http://127.0.0.1:8080

The server must offer `count_primes`, want no token, and have finished fewer than a thousand jobs. The first step that does not come true ends it, with
status 1.
"""

import sys

from chromium import BrowserError, Page

FORM_INPUT = "document.querySelector('#arguments input')"


def type_below(page, text):
    page.evaluate(f"{FORM_INPUT}.value = '{text}';"
                  f"{FORM_INPUT}.dispatchEvent(new Event('input', {{ bubbles: true }}))")


def choose_count_primes(page):
    page.evaluate("document.querySelector('#handler').value = 'count_primes';"
                  "document.querySelector('#handler').dispatchEvent(new Event('change', { bubbles: true }))")


def tile(name, part):
    return f"document.querySelector('[data-tile={name}] {part}').textContent"


def whole_number(page, name):
    page.wait_for(f"/^[0-9]+$/.test({tile(name, '.figure')})", limit=20)
    return int(page.evaluate(tile(name, ".figure")))


def check(server):
    with Page() as page:
        page.open(f"{server}/")
        step("the page is live", page, "document.querySelector('#connection').dataset.state === 'live'")
        step("the process tree is drawn", page, "document.querySelectorAll('.worker').length > 0")
        step("the handlers are offered", page, "!document.querySelector('#submit-button').disabled")
        step("no line is drawn of what has not happened", page,
             "[...document.querySelectorAll('.chart')].every((chart) => chart.querySelector('.peak').textContent !== ''"
             " || !chart.querySelector('.line').hasAttribute('d'))")
        finished = whole_number(page, "finished")

        choose_count_primes(page)
        type_below(page, "1")
        page.evaluate("document.querySelector('#submit-button').click()")
        step("a refused value is told beside its field, which has the focus", page,
             f"{FORM_INPUT}.getAttribute('aria-invalid') === 'true' && document.activeElement === {FORM_INPUT}")

        type_below(page, "1000")
        step("the curl command follows the form", page,
             "document.querySelector('#curl').textContent.includes('\"below\": 1000}')")
        page.evaluate("document.querySelector('#submit-button').click()")
        step("a job is taken", page, "document.querySelector('#submit-outcome a') !== null")
        page.evaluate("document.querySelector('#submit-outcome a').click()")
        step("its panel opens and holds the focus", page,
             "document.querySelector('#details').open"
             " && document.querySelector('#details').contains(document.activeElement)")
        step("its result is shown", page, "document.querySelector('#details-state').textContent === 'succeeded'"
             " && /\"count\": 168\\b/.test(document.querySelector('#details-body').textContent)")
        page.call("Input.dispatchKeyEvent", type="keyDown", key="Escape", code="Escape", windowsVirtualKeyCode=27)
        step("Escape closes it and clears the address", page,
             "!document.querySelector('#details').open && location.hash === ''")
        step("the table lists jobs", page, "document.querySelectorAll('#jobs tr').length > 0")
        step("it is counted among those that have finished", page,
             f"{tile('finished', '.figure')} === '{finished + 1}' && {tile('finished', '.note')}.includes('succeeded')")
        step("and drawn, with a label that says what the line is", page,
             "document.querySelector('[data-tile=finished] .line').hasAttribute('d')"
             f" && {tile('finished', '.peak')}.endsWith(' a second')")

        page.call("Emulation.setDeviceMetricsOverride", width=360, height=780, deviceScaleFactor=1, mobile=False)
        step("nothing is cut off at 360 px", page, "document.documentElement.scrollWidth <= 360")

        # The 422 that was provoked above is logged by the browser itself.
        faults = [text for text in page.complaints if "422" not in text]
        if faults:
            raise BrowserError(f"the page complains: {faults}")


def step(name, page, expression):
    try:
        page.wait_for(expression, limit=20)
    except BrowserError as error:
        raise BrowserError(f"NOT: {name} ({error})") from error
    print(f"ok: {name}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        check(sys.argv[1].rstrip("/"))
    except BrowserError as error:
        sys.exit(str(error))
