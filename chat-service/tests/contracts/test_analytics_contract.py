"""What chat expects of analytics: it takes in `usage.recorded`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from chassis.database import Database
from chassis.identity import Identity, RemoteKeys
from chassis.migrations import OUTBOX, OWNERS, package_migrations
from chassis.neighbours import Neighbour, neighbour_client
from chassis.outbox import Outbox
from chassis.settings import development_secret
from chat_service.ledger import Ledger
from chat_service.ledger_records import CallRecord
from dev.pacts import as_service, contract, match, served, taken_place

TURN = CallRecord(
    call_id="resp_01890a5d000070008000000000000001",
    owner="user_1",
    purpose="turn",
    model="Qwen/Qwen3-235B-A22B-Instruct-2507-tput",
    outcome="completed",
    source="provider",
    input_tokens=1200,
    output_tokens=340,
    created_at=1_760_000_000,
    latency_ms=5300,
    cached_tokens=1000,
    reasoning_tokens=40,
    conversation_id="conv_01890a5d000070008000000000000002",
    response_id="resp_01890a5d000070008000000000000001",
    key_id="key_01890a5d000070008000000000000003",
    mode="deepthinks",
    first_token_ms=210,
)
COMPLETION = CallRecord(
    call_id="call_01890a5d000070008000000000000004",
    owner="user_1",
    purpose="completion",
    model="Qwen/Qwen3-235B-A22B-Instruct-2507-tput",
    outcome="cancelled",
    source="estimated",
    input_tokens=12,
    output_tokens=0,
    created_at=1_760_000_000,
    latency_ms=0,
)
OTHERS = [
    CallRecord(
        call_id=f"call_01890a5d00007000800000000000000{place}",
        owner="user_1",
        purpose=purpose,
        model="Qwen/Qwen3-235B-A22B-Instruct-2507-tput",
        outcome="completed",
        source="provider",
        input_tokens=12,
        output_tokens=0,
        created_at=1_760_000_000,
        latency_ms=40,
    )
    for place, purpose in enumerate(("embedding", "repair", "title"), 5)
]
RECORDS = [TURN, COMPLETION, *OTHERS]


def event_of(record: CallRecord) -> dict[str, Any]:
    return {
        "id": match.regex(f"evt_{record.call_id[-32:]}", regex="evt_[0-9a-f]{32}"),
        "kind": "usage.recorded",
        "key": record.call_id,
        "created_at": match.number(1_760_000_005.5),
        "data": asdict(record),
    }


async def test_every_call_of_the_model_is_reported(tmp_path: Path) -> None:
    applied = {"id": match.str("evt_1"), "outcome": "applied"}
    with contract("chat", "analytics") as pact:
        (
            pact.upon_receiving(
                "a call of the model for each purpose: a turn with all that it has, the others with the least"
            )
            .with_request("POST", "/internal/events")
            .with_headers(as_service())
            .with_body({"events": [event_of(record) for record in RECORDS]}, "application/json")
            .will_respond_with(200)
            .with_body({"outcomes": [applied] * len(RECORDS)}, "application/json")
        )

        with (
            served(pact) as server,
            Database(tmp_path, [package_migrations("chat_service"), OUTBOX, OWNERS]) as database,
        ):
            async with neighbour_client() as http:
                identity = Identity("chat", RemoteKeys("", http), {"analytics": development_secret("chat-analytics")})
                outbox = Outbox(database, {"analytics": Neighbour("analytics", server.url, http, identity)})
                for record in RECORDS:
                    await Ledger(database, outbox, charge=lambda *_: None).record(record)
                async with outbox:
                    await taken_place(server)
