"""The gateway on a laptop: renders the files of gateway/ into a folder and says how to start nginx on them."""

import os
import pwd
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "gateway"
STATIC = ("nginx.conf", "routes", "snippets")
DEFAULTS = {
    "GATEWAY_HOSTS": "localhost 127.0.0.1 [::1]",
    "GATEWAY_STATE": ".",
    "GATEWAY_OPENAPI": str(SOURCE / "openapi.json"),
    "GATEWAY_ACCESS_LOG": "access.log",
    "GATEWAY_MAX_BODY": "2m",
    "GATEWAY_MAX_UPLOAD": "12m",
}

_VARIABLE = re.compile(r"\$\{(GATEWAY_[A-Z_]+)\}")
_UNSAFE = re.compile(r"[\"';{}\\$\x00-\x1f]")


class UnusableVariable(Exception):
    """A variable is missing, is not in the templates, or could not be a value in nginx's grammar."""


def render(directory: Path, variables: Mapping[str, str]) -> Path:
    """Puts nginx's configuration into `directory`/conf and returns its nginx.conf; what was there before is replaced.

    `variables` are added to `DEFAULTS`; `directory` is also nginx's prefix, so relative paths in them start there.
    Raises `UnusableVariable`.
    """
    values = {**DEFAULTS, **variables}
    _check(values)
    conf = directory / "conf"
    shutil.rmtree(conf, ignore_errors=True)
    (conf / "conf.d").mkdir(parents=True)
    for name in STATIC:
        _copy(SOURCE / name, conf / name)
    for template in templates():
        text = _VARIABLE.sub(lambda found: values[found[1]], template.read_text())
        (conf / "conf.d" / template.stem).write_text(text)
    (directory / values["GATEWAY_STATE"]).mkdir(parents=True, exist_ok=True)
    return conf / "nginx.conf"


def command(directory: Path) -> list[str]:
    """Runs nginx in the foreground on what `render` put into `directory`; SIGTERM stops it, SIGQUIT drains it first."""
    directives = "daemon off;"
    if os.geteuid() == 0:
        # nginx started by root gives its workers to another user, who cannot read folders that are root's alone
        directives += f" user {pwd.getpwuid(0).pw_name};"
    conf = directory / "conf" / "nginx.conf"
    return [_nginx(), "-e", "stderr", "-p", str(directory), "-c", str(conf.resolve()), "-g", directives]


def templates() -> list[Path]:
    """The files that the image's entrypoint renders with envsubst."""
    return sorted(SOURCE.glob("templates/*.template"))


def variables_in_templates() -> set[str]:
    """The names of everything that differs between two deployments."""
    return {name for template in templates() for name in _VARIABLE.findall(template.read_text())}


def _check(values: Mapping[str, str]) -> None:
    wanted = variables_in_templates()
    for kind, names in (("missing", wanted - values.keys()), ("unknown", values.keys() - wanted)):
        if names:
            raise UnusableVariable(f"{kind}: {', '.join(sorted(names))}")
    for name, value in values.items():
        if not value or _UNSAFE.search(value):
            raise UnusableVariable(f"{name} is empty or has a character that nginx would read as its own")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _nginx() -> str:
    # Debian keeps it in a folder that is not on every user's PATH
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin") or "nginx"
