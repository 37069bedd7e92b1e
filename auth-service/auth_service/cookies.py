"""The refresh token as a cookie that no script can read: set, presented and expired with one request and its answer."""

from collections.abc import Iterator

from fastapi import Request, Response

from auth_service.problems import CrossSiteRequest
from auth_service.schemas.sign_ins import Tokens, Transport
from chassis.problems import BadRequest

NAME = "__Host-refresh_token"
"""The prefix makes browsers keep it for this host alone, and only as it is set here."""


class RefreshCookie:
    """`same_site` is strict, lax or none; `seconds` is how long a browser keeps it."""

    def __init__(self, request: Request, response: Response, *, same_site: str, seconds: int) -> None:
        self._request = request
        self._response = response
        self._same_site = same_site
        self._seconds = seconds

    def deliver(self, tokens: Tokens, transport: Transport) -> Tokens:
        """What is answered: with `cookie` the refresh token goes there and not into the body."""
        if transport == "json" or tokens.refresh_token is None:
            return tokens
        if self._partitioned:
            # one from before the setting was changed would come along with ours, and two are refused
            self._response.headers.append("set-cookie", self._plain("", 0))
        self._response.headers.append("set-cookie", self._header(tokens.refresh_token, self._seconds))
        return tokens.model_copy(update={"refresh_token": None})

    def presented(self) -> str | None:
        """The refresh token in the request's cookie; None without one.

        A browser sends it along whoever's page asks, so the request must also prove that our front-end made it. Raises
        `CrossSiteRequest`, and `BadRequest` for two: that is somebody else's attempt to have us read theirs.
        """
        found = list(self._found())
        if not found:
            return None
        self._refuse_cross_site()
        if len(found) > 1:
            raise BadRequest("There must be one refresh cookie.", headers=self.expiry())
        return found[0]

    def expiry(self) -> dict[str, str]:
        """The header of an answer, a refusal too, that has the browser drop the cookie."""
        return {"set-cookie": self._header("", 0)}

    def expire(self) -> None:
        """Has the browser drop it."""
        self._response.headers.update(self.expiry())

    def _found(self) -> Iterator[str]:
        """As sent, without any decoding: what is not a refresh token to the letter is none."""
        for header in self._request.headers.getlist("cookie"):
            for pair in header.split(";"):
                name, _, value = pair.strip(" \t").partition("=")
                if name == NAME:
                    yield value

    def _refuse_cross_site(self) -> None:
        """The gateway says in `X-Allowed-Origin` that the Origin is ours or allowed here, and drops what others say.

        A header of one's own (`X-Requested-With`) is what a form cannot send, and a script of another origin only
        after the gateway has allowed it.
        """
        headers = self._request.headers
        allowed = headers.getlist("x-allowed-origin")
        is_allowed = len(allowed) == 1 and allowed[0] and headers.getlist("origin") == allowed
        if not is_allowed or not headers.get("x-requested-with", "").strip():
            raise CrossSiteRequest()

    @property
    def _partitioned(self) -> bool:
        """Browsers refuse another site's cookie, unless it is for the pages of one front-end alone (CHIPS)."""
        return self._same_site == "none"

    def _header(self, value: str, seconds: int) -> str:
        return self._plain(value, seconds) + ("; Partitioned" if self._partitioned else "")

    def _plain(self, value: str, seconds: int) -> str:
        site = self._same_site.title()
        return f"{NAME}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite={site}"
