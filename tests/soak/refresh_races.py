"""1,000 sessions, each refreshed 50 times at once: how many have exactly one successor? `make soak` runs it."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

from dev.processes import Process, free_port
from dev.stack import ROOT

SESSIONS_AT_ONCE = 4
WITHOUT_LIMITS = {"GUESTS_PER_ADDRESS_PER_HOUR": "1000000", "SAGA_WAIT_SECONDS": "0", "LOG_LEVEL": "warning"}


async def race(http: httpx.AsyncClient, presentations: int) -> str:
    """Presents one refresh token so often at once; says what came of it."""
    guest = (await http.post("/v1/auth/guest")).raise_for_status().json()
    spent = guest["refresh_token"]
    answers = await asyncio.gather(*(refresh(http, spent) for _ in range(presentations)))
    if any(answer.status_code != 200 for answer in answers):
        return f"refused: {sorted({answer.status_code for answer in answers})}"
    successors = {answer.json()["refresh_token"] for answer in answers}
    if len(successors) != 1 or spent in successors:
        return f"{len(successors)} successors"
    goes_on = await refresh(http, successors.pop())
    return "exactly one successor" if goes_on.status_code == 200 else "a successor that is not good"


async def refresh(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.post("/v1/auth/refresh", json={"refresh_token": token})


async def race_all(url: str, sessions: int, presentations: int) -> Counter[str]:
    """The races of all sessions, a few at a time."""
    limits = httpx.Limits(max_connections=SESSIONS_AT_ONCE * presentations, max_keepalive_connections=None)
    room = asyncio.Semaphore(SESSIONS_AT_ONCE)
    started = time.monotonic()
    outcomes: Counter[str] = Counter()

    async def one(http: httpx.AsyncClient) -> None:
        async with room:
            outcomes[await race(http, presentations)] += 1
        if outcomes.total() % 100 == 0:
            print(f"{outcomes.total():6} sessions, {time.monotonic() - started:6.1f} s", flush=True)

    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60.0, trust_env=False) as http:
        await asyncio.gather(*(one(http) for _ in range(sessions)))
    return outcomes


def main() -> None:
    """Starts auth alone, on a folder of its own, and races against it. Exits 1 unless every session came out right."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--sessions", type=int, default=1000)
    ask.add_argument("--presentations", type=int, default=50)
    arguments = ask.parse_args()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        url = f"http://127.0.0.1:{port}"
        variables = {**WITHOUT_LIMITS, "SERVICE_PORT": str(port), "SERVICE_DATA": str(folder / "auth")}
        command = [sys.executable, "-m", "auth_service"]
        auth = Process("auth", command, variables, folder / "logs", f"{url}/health/ready")
        auth.start()
        try:
            auth.wait_until_ready()
            outcomes = asyncio.run(race_all(url, arguments.sessions, arguments.presentations))
        finally:
            auth.stop()
    print(f"{arguments.sessions} sessions, each refreshed {arguments.presentations} times at once:")
    for outcome, count in outcomes.most_common():
        print(f"{count:6}  {outcome}")
    if outcomes["exactly one successor"] != arguments.sessions:
        sys.exit(1)


if __name__ == "__main__":
    main()
