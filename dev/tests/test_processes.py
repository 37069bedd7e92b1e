"""Starting, watching and stopping the parts of the system."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dotenv import dotenv_values

from dev.development_secrets import NAMES, load_or_make_secrets
from dev.processes import NotStarted, Process, claim, free_port, refuse_taken_port
from dev.stack import ROOT

SERVER = "import http.server, sys; http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]))"


STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""


def process(tmp_path: Path, code: str, port: int, **variables: str) -> Process:
    command = [sys.executable, "-c", code, str(port)]
    url = f"http://127.0.0.1:{port}/"
    return Process("example", command, variables, tmp_path / "logs", url, stop_seconds=0.5)


def test_a_process_is_ready_when_it_answers_and_gone_when_stopped(tmp_path: Path) -> None:
    port = free_port()
    example = process(tmp_path, SERVER, port)
    example.start()

    example.wait_until_ready()
    with pytest.raises(NotStarted, match=f"port {port} is taken"):
        refuse_taken_port(port)
    example.stop()

    refuse_taken_port(port)


def test_one_that_dies_is_reported_with_its_last_lines_only(tmp_path: Path) -> None:
    example = process(tmp_path, "for n in range(50): print('line', n)\nraise SystemExit(3)", free_port())
    example.start()

    with pytest.raises(NotStarted, match="example ended with status 3") as told:
        example.wait_until_ready()

    assert "line 49" in str(told.value)
    assert "line 20" not in str(told.value)


def test_one_that_does_not_listen_to_reason_is_killed(tmp_path: Path) -> None:
    example = process(tmp_path, STUBBORN, free_port())
    example.start()
    while "up" not in example.log.read_text():
        time.sleep(0.01)

    example.stop()

    example.refuse_death()  # it was we who ended it


def test_a_process_sees_its_own_variables_and_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET_KEY", "the shell's")
    example = process(tmp_path, "import os; print(sorted(os.environ)); raise SystemExit(1)", free_port(), OWN="1")
    example.start()

    with pytest.raises(NotStarted) as told:
        example.wait_until_ready()

    assert "'OWN'" in str(told.value)
    assert "JWT_SECRET_KEY" not in str(told.value)


def test_a_folder_belongs_to_one_system_at_a_time(tmp_path: Path) -> None:
    first = claim(tmp_path)

    with pytest.raises(NotStarted, match="already running"):
        claim(tmp_path)
    first.close()

    claim(tmp_path).close()


def test_secrets_are_made_once_and_are_nobody_elses_to_read(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"

    first = load_or_make_secrets(path, {})
    second = load_or_make_secrets(path, {})

    assert set(first) == set(NAMES)
    assert min(map(len, first.values())) >= 48
    assert second == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_given_secret_is_not_made_and_not_overruled(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"

    made = load_or_make_secrets(path, {"JWT_SECRET_KEY": "mine"})

    assert "JWT_SECRET_KEY" not in made
    assert "JWT_SECRET_KEY" not in dotenv_values(path)


def test_make_secrets_adds_what_is_missing_and_leaves_the_rest(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("JWT_SECRET_KEY=mine\nSECRET_CHAT_FILES=\nLOG_LEVEL=debug")  # and no end of line

    subprocess.run([sys.executable, "-m", "dev.development_secrets", str(path)], check=True, capture_output=True)

    values = dotenv_values(path)
    assert (values["JWT_SECRET_KEY"], values["LOG_LEVEL"]) == ("mine", "debug")
    assert all(values[name] for name in NAMES)


def test_make_secrets_fills_the_empty_lines_of_the_example_and_nothing_else_changes(tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text()
    path = tmp_path / ".env"
    path.write_text(example)

    subprocess.run([sys.executable, "-m", "dev.development_secrets", str(path)], check=True, capture_output=True)

    filled = path.read_text()
    for name in NAMES:
        filled = filled.replace(f"{name}={dotenv_values(path)[name]}", f"{name}=")
    assert filled == example


def test_a_port_that_does_not_exist_is_refused_in_a_line() -> None:
    with pytest.raises(NotStarted, match="there is no port 99999; choose another with PORT="):
        refuse_taken_port(99999)


def test_a_second_copy_on_the_same_folder_says_so(tmp_path: Path) -> None:
    with claim(tmp_path), socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        same_folder = ["--port", "0", "--data", str(tmp_path)]
        same_port = ["--port", port, "--data", str(tmp_path / "other")]

        told = [_refusal(arguments) for arguments in (same_folder, same_port)]

    assert "already running" in told[0]
    assert f"port {port} is taken" in told[1]


def _refusal(arguments: list[str]) -> str:
    command = [sys.executable, "-m", "dev.stack", *arguments]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "TOGETHER_API_KEY": ""}
    )
    assert ended.returncode == 1
    return ended.stderr


def test_signals_reach_the_supervisor_alone(tmp_path: Path) -> None:
    example = process(tmp_path, SERVER, port := free_port())
    example.start()
    example.wait_until_ready()

    own_group = os.getpgid(example.pid) == example.pid
    os.kill(example.pid, signal.SIGTERM)
    example.wait_until_stopped()

    assert own_group
    refuse_taken_port(port)
