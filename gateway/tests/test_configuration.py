"""One configuration, two homes: the image and the laptop render the same files from the same variables."""

import os
import re
import socket
import subprocess
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from dev.gateway import DEFAULTS, SOURCE, UnusableVariable, command, render, scheme, templates, variables_in_templates
from dev.processes import free_port

from .houses import SERVICES, House

PLACES = {"GATEWAY_LISTEN": "8080"} | {
    f"GATEWAY_{name.upper()}": f"127.0.0.1:{9000 + i}" for i, name in enumerate(SERVICES)
}


def in_image() -> dict[str, str]:
    """The variables that the image gives a default."""
    text = (SOURCE / "Dockerfile").read_text()
    return {name: value.strip('"') for name, value in re.findall(r'(GATEWAY_\w+)=("[^"]*"|\S+)', text)}


def test_the_image_has_a_default_for_every_variable_and_no_other() -> None:
    derived = {"GATEWAY_SCHEME"}

    assert set(in_image()) | derived == variables_in_templates() == DEFAULTS.keys() | PLACES.keys() | derived


def test_image_and_laptop_agree_on_what_does_not_depend_on_the_place() -> None:
    same = DEFAULTS.keys() - {"GATEWAY_OPENAPI", "GATEWAY_ACCESS_LOG"}

    assert {name: in_image()[name] for name in same} == {name: DEFAULTS[name] for name in same}


def test_a_template_has_no_variable_that_envsubst_could_take_for_another() -> None:
    of_nginx = {"$auth_client", "$turns_client", "$uploads_client", "$rest_client"}

    for template in templates():
        rest = re.sub(r"\$\{GATEWAY_[A-Z_]+\}", "", template.read_text())
        assert set(re.findall(r"\$\w*", rest)) <= of_nginx


def test_every_route_file_is_named_after_the_service_it_leads_to() -> None:
    targets = {
        path.stem: set(re.findall(r"proxy_pass http://(\w+)", path.read_text())) for path in SOURCE.glob("routes/*")
    }

    assert targets == {name: {name} for name in SERVICES}


def test_the_readme_lists_every_problem_code_and_every_variable() -> None:
    readme = (SOURCE / "README.md").read_text()
    codes = re.search(
        r"map \$status \$problem_code \{(.*?)\n\}", (SOURCE / "snippets/problems.conf").read_text(), re.DOTALL
    )
    assert codes

    listed = dict(re.findall(r"^\| (\d{3}) \| `(\w+)`", readme, re.MULTILINE))
    assert listed == dict(re.findall(r"(\d{3}) (\w+);", codes[1]))
    assert all(
        f"`{name}`" in readme or f"`{name.removeprefix('GATEWAY')}`" in readme for name in variables_in_templates()
    )


def has_ipv6() -> bool:
    with suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


NO_IPV6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback to listen on")


@pytest.mark.parametrize("address", ["", "127.0.0.1:", pytest.param("[::1]:", marks=NO_IPV6)])
def test_nginx_takes_what_is_rendered(address: str, house: House, tmp_path: Path) -> None:
    prefix = tmp_path / "a folder"

    render(prefix, {**PLACES, "GATEWAY_LISTEN": f"{address}{free_port()}", "GATEWAY_STATE": "state"})

    checked = subprocess.run([*command(prefix), "-t"], check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr


def test_rendering_again_replaces_what_was_there(tmp_path: Path) -> None:
    render(tmp_path, PLACES)
    stale = tmp_path / "conf" / "routes" / "stale.conf"
    stale.write_text("")

    conf = render(tmp_path, {**PLACES, "GATEWAY_MAX_UPLOAD": "7m"})

    assert conf == tmp_path / "conf" / "nginx.conf"
    assert not stale.exists()
    assert "client_max_body_size 7m;" in (tmp_path / "conf" / "conf.d" / "upload_size.conf").read_text()


@pytest.mark.parametrize(
    ("name", "value"),
    [("GATEWAY_LISTEN", ""), ("GATEWAY_NEW", "1"), ("GATEWAY_HOSTS", "a; return 200"), ("GATEWAY_CHAT", "$host:1")],
)
def test_an_unusable_variable_is_named(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableVariable, match=name):
        render(tmp_path, {**PLACES, name: value})


ORIGINS = {
    "": True,
    "*": True,
    "https://app.example": True,
    "https://app.example http://localhost:3000 app://obsidian.md": True,
    "http://[::1]:3000": True,
    "null": False,
    "none": False,
    "https://*.example": False,
    "* https://app.example": False,
    "https://app.example/": False,
    "https://app.example/path": False,
    "https://APP.example": False,
    "https://user@app.example": False,
    "https://app.example,https://b.example": False,
    "app.example": False,
    "https://app.example:http": False,
    "https://app.example|https://b.example": False,
}


def in_the_image(**variables: str) -> subprocess.CompletedProcess[str]:
    """What the image's first step makes of these variables."""
    script = ["sh", str(SOURCE / "entrypoint.sh"), "env"]
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(script, check=False, capture_output=True, text=True, env=environment)


@pytest.mark.parametrize(("origins", "usable"), ORIGINS.items())
def test_only_what_a_browser_could_send_is_an_origin_in_both_homes(origins: str, usable: bool, tmp_path: Path) -> None:
    expected = nullcontext() if usable else pytest.raises(UnusableVariable, match="GATEWAY_ALLOWED_ORIGINS")

    image = in_the_image(GATEWAY_ALLOWED_ORIGINS=origins)
    with expected:
        render(tmp_path, {**PLACES, "GATEWAY_ALLOWED_ORIGINS": origins})

    assert (image.returncode == 0) == usable
    assert ("GATEWAY_ALLOWED_ORIGINS" in image.stderr) == (not usable)


@pytest.mark.parametrize(
    ("certificate", "key", "said"),
    [
        ("", "", "GATEWAY_SCHEME=http\n"),
        ("c.pem", "k.pem", "GATEWAY_SCHEME=https\n"),
        ("c.pem", "", ""),
        ("", "k.pem", ""),
    ],
)
def test_the_image_derives_the_scheme_as_the_laptop_does(certificate: str, key: str, said: str) -> None:
    variables = {"GATEWAY_TLS_CERTIFICATE": certificate, "GATEWAY_TLS_KEY": key}

    image = in_the_image(**variables)

    if said:
        assert said in image.stdout
        assert said == f"GATEWAY_SCHEME={scheme(variables)}\n"
    else:
        assert image.returncode == 1
        assert "GATEWAY_TLS_CERTIFICATE and GATEWAY_TLS_KEY go together" in image.stderr
        with pytest.raises(UnusableVariable, match="go together"):
            scheme(variables)


def test_a_missing_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableVariable, match="missing: GATEWAY_CHAT"):
        render(tmp_path, {name: value for name, value in PLACES.items() if name != "GATEWAY_CHAT"})
