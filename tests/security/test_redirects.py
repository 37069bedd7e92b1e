"""Attack group C: auth sends nobody anywhere, so nothing can be made to send somebody to a place of one's own."""

import pytest

from dev.stack import Stack
from gateway.tests.door import Door

from .operations import OPERATIONS, Operation
from .visitors import Visitor

EVIL = "evil.example"
LEADING_AWAY = "&".join(
    f"{name}=https://{EVIL}/" for name in ("next", "redirect", "redirect_uri", "return_to", "url", "continue", "state")
)
ROUTES = [each for each in OPERATIONS if each.service == "auth" and not each.is_internal]


@pytest.mark.parametrize("operation", ROUTES, ids=str)
def test_no_route_of_auth_leads_anywhere_else(operation: Operation, stack: Stack, door: Door) -> None:
    with Visitor(stack) as visitor:
        person = visitor.account()
    path = operation.path.replace("{", "").replace("}", "")
    targets = [path, f"{path}/", f"/{path}", f"{path}//{EVIL}", f"{path}/%2f{EVIL}", f"{path}/.{EVIL}"]
    content = [("Content-Type", "application/json"), ("Referer", f"https://{EVIL}/"), ("X-Forwarded-Host", EVIL)]

    answers = [
        door.send(operation.method, f"{target}?{LEADING_AWAY}", content, b"{}", token=token)
        for target in targets
        for token in (None, person.token)
    ]

    assert [answer.status for answer in answers if 300 <= answer.status < 400] == []
    assert [answer.all("location") for answer in answers] == [[]] * len(answers)
    assert not [answer for answer in answers if EVIL.encode() in answer.body]
