"""What auth says of owners: a guest's calls become the account's, those of an erased one stay under a pseudonym."""

import pytest

from chassis.owners import ERASE_PATH, MERGE_PATH

from ..conftest import Analytics, usage_event

HOUR = 3600
NOON = 489_000 * HOUR


def test_a_guests_calls_become_the_accounts_in_every_period(analytics: Analytics) -> None:
    analytics.deliver(
        usage_event(owner="user_1", created_at=NOON + 10, input_tokens=1),
        usage_event(owner="guest_1", created_at=NOON + 20, input_tokens=2),  # the same hour, model and conversation
        usage_event(owner="guest_1", created_at=NOON + HOUR, input_tokens=4, conversation_id="conv_2"),
        usage_event(owner="user_2", created_at=NOON + 20, input_tokens=8),
    )

    answer = analytics.merge("guest_1", "user_1")

    assert answer.json() == {"counts": {"calls": 2}}
    assert analytics.merge("guest_1", "user_1").json() == answer.json()
    assert analytics.usage("user_1")["total"]["input_tokens"] == 7
    assert analytics.usage("user_1", start=NOON, end=NOON + HOUR)["total"]["input_tokens"] == 3
    assert analytics.usage("user_1", start=NOON + 15, end=NOON + 2 * HOUR)["total"]["input_tokens"] == 6
    assert [row["calls"] for row in analytics.usage("user_1")["by_conversation"]] == [2, 1]
    assert analytics.usage("guest_1")["total"]["calls"] == 0
    assert analytics.usage("user_2")["total"]["input_tokens"] == 8


def test_the_calls_of_an_erased_owner_stay_under_a_pseudonym(analytics: Analytics) -> None:
    analytics.deliver(usage_event(input_tokens=1), usage_event(input_tokens=2), usage_event(owner="user_2"))

    answer = analytics.erase("user_1")

    assert answer.json() == {"counts": {"calls": 2}}
    assert analytics.erase("user_1").json() == answer.json()
    assert analytics.usage("user_1")["total"]["calls"] == 0
    assert analytics.usage("gone_1")["total"]["input_tokens"] == 3
    assert analytics.usage("user_2")["total"]["calls"] == 1


def test_calls_reported_after_their_owner_departed_count_for_whoever_it_is_now(analytics: Analytics) -> None:
    analytics.merge("guest_1", "user_1")
    analytics.deliver(usage_event(owner="guest_1", input_tokens=1))
    after_the_merge = analytics.usage("user_1")["total"]["input_tokens"]
    analytics.erase("user_1")

    outcomes = analytics.outcomes(
        usage_event(owner="guest_1", input_tokens=2), usage_event(owner="user_1", input_tokens=4)
    )

    assert after_the_merge == 1
    assert outcomes == [("applied", None)] * 2
    assert analytics.usage("gone_1")["total"]["input_tokens"] == 7
    assert analytics.usage("guest_1")["total"]["calls"] == analytics.usage("user_1")["total"]["calls"] == 0


def test_a_call_that_arrives_again_after_the_merge_counts_once(analytics: Analytics) -> None:
    event = usage_event(owner="guest_1", call_id="call_1")
    analytics.deliver(event)
    analytics.merge("guest_1", "user_1")

    analytics.deliver(event, usage_event(owner="guest_1", call_id="call_1"))

    assert analytics.usage("user_1")["total"]["calls"] == 1


@pytest.mark.parametrize("path", [MERGE_PATH, ERASE_PATH])
def test_only_auth_speaks_of_owners(analytics: Analytics, path: str) -> None:
    body = {"owner": "user_1", "into": "user_2"} if path == MERGE_PATH else {"owner": "user_1", "pseudonym": "gone_1"}
    analytics.deliver(usage_event())

    as_chat = analytics.http.post(path, json=body, headers=analytics.as_chat())
    as_user = analytics.http.post(path, json=body, headers=analytics.auth.headers())

    assert (as_chat.status_code, as_user.status_code) == (403, 401)
    assert analytics.usage("user_1")["total"]["calls"] == 1
