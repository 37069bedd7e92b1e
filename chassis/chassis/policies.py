"""Who may call a route. Every route declares exactly one policy as a dependency, or the app does not start."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from chassis.identity import Identity, Principal
from chassis.problems import Forbidden, InsufficientScope, Unauthenticated


class UndeclaredPolicy(Exception):
    """A route without a policy, or with two: the application refuses to start."""


class Policy(ABC):
    """A callable that FastAPI runs before the route; returns who is calling or raises a problem."""

    needs_credential = True

    @abstractmethod
    def describe(self) -> str:
        """For the published OpenAPI (`x-policy`)."""


@dataclass(frozen=True)
class Public(Policy):
    """Anyone may call."""

    needs_credential = False

    async def __call__(self, request: Request) -> None:
        return None

    def describe(self) -> str:
        return "public"


@dataclass(frozen=True)
class User(Policy):
    """A user's access token with `scope`; `keys=False` refuses tokens made for API keys, `guests=False` guests."""

    scope: str
    keys: bool = True
    guests: bool = True

    async def __call__(self, request: Request) -> Principal:
        principal = await identity_of(request).user(bearer_token(request))
        if principal.key_id and not self.keys:  # said first: no key can be given the scope of such a route
            raise Forbidden("API keys may not do that; sign in instead.")
        if self.scope not in principal.scopes:
            raise InsufficientScope(f"The credential lacks the scope {self.scope}.")
        if principal.role == "guest" and not self.guests:
            raise Forbidden("Guests may not do that; sign up first.")
        structlog.contextvars.bind_contextvars(user_id=principal.user_id)
        return principal

    def describe(self) -> str:
        return f"user {self.scope}" + ("" if self.keys else ", no keys") + ("" if self.guests else ", no guests")


@dataclass(frozen=True)
class Service(Policy):
    """One of the named services, by its service token; returns the caller's name."""

    callers: tuple[str, ...]

    async def __call__(self, request: Request) -> str:
        caller = identity_of(request).service(bearer_token(request))
        if caller not in self.callers:
            raise Forbidden("That service may not call this.")
        structlog.contextvars.bind_contextvars(caller=caller)
        return caller

    def describe(self) -> str:
        return "service " + " ".join(self.callers)


def identity_of(request: Request) -> Identity:
    """The app's `Identity`; the service's lifespan puts it there as `app.state.identity`."""
    identity: Identity = request.app.state.identity
    return identity


def bearer_token(request: Request) -> str:
    """The one bearer token of the request. Raises `Unauthenticated` when there is none or more than one."""
    headers = request.headers.getlist("authorization")
    scheme, _, token = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated()
    return token


def routes_of(app: FastAPI) -> Iterator[Any]:
    """Every API route as it is effective in the app, those of included routers too."""
    return (route for route in iter_route_contexts(app.routes) if isinstance(route.original_route, APIRoute))


def policy_of(route: Any) -> Policy:
    """The one policy a route declares. Raises `UndeclaredPolicy` when there is not exactly one."""
    found = list(_policies_in(route.dependant))
    if len(found) != 1:
        raise UndeclaredPolicy(f"{sorted(route.methods)} {route.path} declares {len(found)} policies, not one")
    return found[0]


def refuse_undeclared_routes(app: FastAPI) -> None:
    """Deny by default: raises `UndeclaredPolicy` unless every route of the app declares its policy."""
    for route in routes_of(app):
        policy_of(route)


def _policies_in(dependant: Dependant) -> Iterator[Policy]:
    for inner in dependant.dependencies:
        if isinstance(inner.call, Policy):
            yield inner.call
        yield from _policies_in(inner)
