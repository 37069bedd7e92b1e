"""`usage.recorded` from chat: each call counts once, whatever the network does to its event."""

import random
from concurrent.futures import ThreadPoolExecutor

from ..conftest import Analytics, usage_event


def test_an_event_delivered_again_counts_once(analytics: Analytics) -> None:
    event = usage_event()

    first = analytics.outcomes(event)
    again = analytics.outcomes(event, event)

    assert (first, again) == ([("applied", None)], [("duplicate", None)] * 2)
    assert analytics.usage()["total"]["calls"] == 1


def test_a_call_reported_by_another_event_counts_once(analytics: Analytics) -> None:
    event = usage_event(call_id="call_1")
    second = usage_event(call_id="call_1", input_tokens=999)

    outcomes = analytics.outcomes(event, second)

    assert outcomes == [("applied", None)] * 2
    assert analytics.usage()["total"]["input_tokens"] == 100


def test_order_makes_no_difference(analytics: Analytics) -> None:
    moments = [1_760_000_000 + 1800 * number for number in range(20)]
    events = [usage_event(created_at=moment, input_tokens=number) for number, moment in enumerate(moments)]
    random.Random(7).shuffle(events)

    analytics.deliver(*events)

    assert analytics.usage()["total"]["input_tokens"] == sum(range(20))
    assert analytics.usage(start=moments[10])["total"]["input_tokens"] == sum(range(10, 20))


def test_parallel_deliveries_of_the_same_events_sum_to_the_token(analytics: Analytics) -> None:
    events = [usage_event(input_tokens=number) for number in range(50)]
    deliveries = [random.Random(seed).sample(events, 50) for seed in range(8)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda delivery: analytics.deliver(*delivery), deliveries))

    assert {answer.status_code for answer in answers} == {200}
    assert analytics.usage()["total"]["calls"] == 50
    assert analytics.usage()["total"]["input_tokens"] == sum(range(50))


def test_an_event_of_an_unknown_kind_is_refused_and_its_neighbours_are_not(analytics: Analytics) -> None:
    unknown = {**usage_event(), "kind": "usage.guessed"}

    outcomes = analytics.outcomes(usage_event(), unknown, usage_event())

    assert outcomes == [("applied", None), ("refused", "unknown_event"), ("applied", None)]
    assert analytics.usage()["total"]["calls"] == 2


def test_a_refused_event_counts_once_it_is_put_right(analytics: Analytics) -> None:
    broken = usage_event(input_tokens=-1)
    mended = {**broken, "data": {**broken["data"], "input_tokens": 1}}

    outcomes = analytics.outcomes(broken) + analytics.outcomes(mended)

    assert outcomes == [("refused", "invalid_event"), ("applied", None)]
    assert analytics.usage()["total"]["input_tokens"] == 1


def test_fields_of_a_newer_chat_are_passed_over(analytics: Analytics) -> None:
    outcomes = analytics.outcomes(usage_event(price_of_tea=3))

    assert outcomes == [("applied", None)]


def test_calls_for_every_purpose_are_summed_and_only_turns_count_as_turns(analytics: Analytics) -> None:
    purposes = ("turn", "completion", "embedding", "repair", "title")
    events = [usage_event(purpose=purpose, first_token_ms=None) for purpose in purposes]

    outcomes = analytics.outcomes(*events)
    total = analytics.usage()["total"]

    assert outcomes == [("applied", None)] * 5
    assert (total["calls"], total["turns"], total["input_tokens"]) == (5, 1, 500)


def test_only_chat_reports_usage(analytics: Analytics) -> None:
    as_memory = analytics.deliver(usage_event(), caller="memory")
    as_user = analytics.http.post(
        "/internal/events", json={"events": [usage_event()]}, headers=analytics.auth.headers()
    )

    assert (as_memory.status_code, as_user.status_code) == (401, 401)
    assert analytics.usage()["total"]["calls"] == 0
