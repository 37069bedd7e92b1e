"""Where a sign-in comes from."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

PREFIX_OF_ONE_HOUSEHOLD = 64


@dataclass(frozen=True, slots=True)
class Device:
    """What it calls itself, and its network: an IPv4 address, or the /64 of an IPv6 one."""

    user_agent: str | None
    address: str


def network_of(address: str) -> str:
    """Whoever has one address of an IPv6 /64 has all of them, so they count as one. Text that is none stays itself."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    prefix = int(parsed) >> PREFIX_OF_ONE_HOUSEHOLD << PREFIX_OF_ONE_HOUSEHOLD
    return f"{IPv6Address(prefix)}/{PREFIX_OF_ONE_HOUSEHOLD}"
