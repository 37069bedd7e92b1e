"""The gateway on a laptop: renders the files of gateway/ into a folder and says how to start nginx on them."""

import os
import pwd
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from dev.processes import NotStarted

SOURCE = Path(__file__).parent.parent / "gateway"
STATIC = ("nginx.conf", "routes", "snippets")
DEFAULTS = {
    "GATEWAY_HOSTS": "localhost 127.0.0.1 [::1]",
    "GATEWAY_STATE": ".",
    "GATEWAY_OPENAPI": str(SOURCE / "openapi.json"),
    "GATEWAY_ACCESS_LOG": "access.log",
    "GATEWAY_MAX_BODY": "2m",
    "GATEWAY_MAX_UPLOAD": "12m",
    "GATEWAY_AUTH_PER_MINUTE": "60",
    "GATEWAY_TURNS_PER_MINUTE": "600",
    "GATEWAY_UPLOADS_PER_MINUTE": "600",
    "GATEWAY_REST_PER_MINUTE": "600",
    "GATEWAY_OPEN_REQUESTS": "2000",
    "GATEWAY_TRUSTED_PROXY": "240.0.0.0/32",  # reserved: nobody has it
    "GATEWAY_ALLOWED_ORIGINS": "",
    "GATEWAY_TLS_CERTIFICATE": "",
    "GATEWAY_TLS_KEY": "",
}
MAY_BE_EMPTY = {"GATEWAY_ALLOWED_ORIGINS", "GATEWAY_TLS_CERTIFICATE", "GATEWAY_TLS_KEY"}

_VARIABLE = re.compile(r"\$\{(GATEWAY_[A-Z_]+)\}")
_UNSAFE = re.compile(r"[\"';{}\\$|\x00-\x1f]")
# As browsers send it: lower case, no path. gateway/entrypoint.sh says the same for the image.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


class UnusableVariable(NotStarted):
    """A variable is missing, is not in the templates, or could not be a value in nginx's grammar."""


def render(directory: Path, variables: Mapping[str, str]) -> Path:
    """Puts nginx's configuration into `directory`/conf and returns its nginx.conf; what was there before is replaced.

    `variables` are added to `DEFAULTS`; `directory` is also nginx's prefix, so relative paths in them start there, but
    those of certificate and key where this runs. Raises `UnusableVariable`.
    """
    values = {**DEFAULTS, **variables}
    _check(values)
    values |= _derived(values)
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
    """The names of everything that differs between two deployments; some are derived from others."""
    return {name for template in templates() for name in _VARIABLE.findall(template.read_text())}


def scheme(values: Mapping[str, str]) -> str:
    """`https` with certificate and key, `http` without. Raises `UnusableVariable` for one of the two alone."""
    given = {name for name in ("GATEWAY_TLS_CERTIFICATE", "GATEWAY_TLS_KEY") if values.get(name)}
    if len(given) == 1:
        raise UnusableVariable("GATEWAY_TLS_CERTIFICATE and GATEWAY_TLS_KEY go together: set both or neither")
    return "https" if given else "http"


def _derived(values: Mapping[str, str]) -> dict[str, str]:
    # a path in a setting starts where the command was given; nginx would start at its own folder
    files = {name: str(Path(values[name]).resolve()) for name in values if "_TLS_" in name and values[name]}
    return {**files, "GATEWAY_SCHEME": scheme(values)}


def _check(values: Mapping[str, str]) -> None:
    wanted = variables_in_templates() - {"GATEWAY_SCHEME"}
    for kind, names in (("missing", wanted - values.keys()), ("unknown", values.keys() - wanted)):
        if names:
            raise UnusableVariable(f"{kind}: {', '.join(sorted(names))}")
    for name, value in values.items():
        if (not value and name not in MAY_BE_EMPTY) or _UNSAFE.search(value):
            raise UnusableVariable(f"{name} is empty or has a character that nginx would read as its own")
    _check_origins(values["GATEWAY_ALLOWED_ORIGINS"])


def _check_origins(listed: str) -> None:
    """`*` alone allows every page; otherwise each has to be an origin that a browser could send."""
    for origin in listed.split() if listed != "*" else []:
        if not _ORIGIN.fullmatch(origin):
            raise UnusableVariable(
                f"GATEWAY_ALLOWED_ORIGINS has {origin!r}, which is no origin as browsers send it: scheme://host[:port]"
            )


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _nginx() -> str:
    # Debian keeps it in a folder that is not on every user's PATH
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin") or "nginx"
