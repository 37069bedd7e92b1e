"""1,000 streams of many people at the same time for a minute: does every event arrive, once and in order?

Run it as `make bench-streams`; README.md says how to read it.
"""

import argparse
import asyncio
import resource
import time
from collections import Counter
from dataclasses import dataclass

import httpx
import uvloop

from benchmarks.asking import percentile
from benchmarks.pinned_stack import PARTS, Person, PinnedStack, pinned_stack
from benchmarks.streaming import TOKEN, Answer, Talker, post
from benchmarks.surroundings import surroundings, verdict
from dev.offline_llm import tokens

PACE = 5
STREAMS_OF_ONE = 5
QUESTION = "Tell me everything."


@dataclass(frozen=True)
class Stream:
    """One that has ended, and who asked for it."""

    person: Person
    answer: Answer


def main() -> None:
    """Exits with 1 when an event was lost or anything failed."""
    arguments = _arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # each stream holds three sockets
    print(surroundings(), flush=True)
    with pinned_stack(PACE, everything_on_one_core=False) as system:
        _say_at_length(system, round((arguments.ramp + arguments.seconds) * PACE * 1.05))
        people = system.sign_up(-(-arguments.streams // STREAMS_OF_ONE), "streams")
        before, started = system.cpu_seconds(), time.perf_counter()
        streams = uvloop.run(_all(system, people, arguments))
        after, took = system.cpu_seconds(), time.perf_counter() - started
        cpu = {part: after[part] - before[part] for part in PARTS}
        faults = _faults(system, streams)
    _show(streams, cpu, took)
    together = _seconds_together(streams)
    verdict(
        (f"{len(streams)} streams at once for ≥ {arguments.seconds} s", together, together >= arguments.seconds),
        ("nothing failed, no event was lost, repeated or out of order", sum(faults.values()), not faults),
    )


def _arguments() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--streams", type=int, default=1_000, help="how many at the same time")
    ask.add_argument("--seconds", type=int, default=60, help="how long all of them are open")
    ask.add_argument("--ramp", type=int, default=30, help="over how many seconds they begin")
    return ask.parse_args()


def _say_at_length(system: PinnedStack, length: int) -> None:
    """Makes the model say so many tokens to everybody, each word another one: none can get lost unnoticed."""
    content = "".join(tokens.pieces(" ".join(f"w{number}" for number in range(length)))[:length])
    rule = {"match": {"path": "/v1/chat/completions"}, "fault": {"content": content}}
    httpx.post(f"http://127.0.0.1:{system.model_port}/_offline/faults", json=[rule]).raise_for_status()


async def _all(system: PinnedStack, people: list[Person], arguments: argparse.Namespace) -> list[Stream]:
    askers = [people[number % len(people)] for number in range(arguments.streams)]
    pause = arguments.ramp / arguments.streams
    return await asyncio.gather(*(_one(system, person, number * pause) for number, person in enumerate(askers)))


async def _one(system: PinnedStack, person: Person, after: float) -> Stream:
    """A conversation of its own: in one there is one turn at a time."""
    await asyncio.sleep(after)
    talker = await Talker.connect(system.port)
    request = post("/v1/responses", person.token, {"model": "deepthinks", "input": QUESTION, "stream": True})
    try:
        return Stream(person, await talker.ask(request, TOKEN))
    finally:
        talker.close()


def _faults(system: PinnedStack, streams: list[Stream]) -> Counter[str]:
    with httpx.Client(base_url=system.stack.url, timeout=60) as http:
        return Counter(fault for stream in streams if (fault := _fault(http, stream)))


def _fault(http: httpx.Client, stream: Stream) -> str | None:
    """What is wrong with a stream, held against the response as it is stored."""
    if stream.answer.status != 200:
        return f"status {stream.answer.status}"
    events = list(stream.answer.events())
    if [event["sequence_number"] for event in events] != list(range(len(events))):
        return "events are missing or out of order"
    if events[-1]["type"] != "response.completed":
        return f"ended with {events[-1]['type']}"
    headers = {"authorization": f"Bearer {stream.person.token}"}
    stored = http.get(f"/v1/responses/{events[-1]['response']['id']}", headers=headers).raise_for_status().json()
    told = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    if told != stored["output"][0]["content"][0]["text"] or stored != events[-1]["response"]:
        return "what was streamed is not what is stored"
    return None


def _seconds_together(streams: list[Stream]) -> float:
    """How long all of them were open."""
    last_begun = max(stream.answer.asked_at + (stream.answer.first_token or 0.0) for stream in streams)
    return min(stream.answer.asked_at + stream.answer.seconds for stream in streams) - last_begun


def _show(streams: list[Stream], cpu: dict[str, float], took: float) -> None:
    events = sum(stream.answer.text.count(TOKEN) for stream in streams)
    first = [stream.answer.first_token or 0.0 for stream in streams]
    shown = ", ".join(f"{part} {seconds / took:.2f}" for part, seconds in cpu.items())
    print(
        f"\n{len(streams)} streams in {took:.0f} s, {events} events with text; first token"
        f" p50 {percentile(first, 0.5) * 1e3:.0f} ms, p99 {percentile(first, 0.99) * 1e3:.0f} ms\n"
        f"  cores in use: {shown}",
        flush=True,
    )


if __name__ == "__main__":
    main()
