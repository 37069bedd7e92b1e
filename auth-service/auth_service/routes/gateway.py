"""`/internal/gateway/check`: nginx asks before it lets a request through. The gateway does not route `/internal`."""

from fastapi import APIRouter, Request, Response

from auth_service.admission import Admission
from auth_service.dependencies import Anyone
from chassis.policies import bearer_token
from chassis.problems import BadRequest, Unauthenticated

# nginx keeps one answer per credential and mode for a second, so an answer may depend on nothing else.
PER_CREDENTIAL = {"vary": "Authorization", "cache-control": "max-age=1, stale-if-error=3"}
FOR_NOW_ONLY = {"vary": "Authorization", "cache-control": "max-age=0"}
LEAST_CACHED_SECONDS = 2.0
PATH = "/internal/gateway/check"

# Public, for nginx cannot sign: whoever reaches this learns only whether the credential they hold is good.
router = APIRouter(tags=["internal"], dependencies=[Anyone])


@router.get(PATH, operation_id="check_credential", status_code=204)
async def check_credential(request: Request) -> Response:
    """204 with `X-Auth-Ok: 1` for a valid access token or API key; for a key, `X-Auth-Token` is what to pass on.

    `X-Auth-Mode: optional` lets a request without any credential pass too.
    """
    # By hand what FastAPI would do: every request at the gateway waits for this.
    admission: Admission = request.app.state.admission
    credentials = request.headers.getlist("authorization")
    if len(credentials) > 1:
        raise BadRequest("There must be one Authorization header.")
    if not credentials and request.headers.get("x-auth-mode") == "optional":
        return Response(status_code=204, headers=PER_CREDENTIAL)
    try:
        admitted = await admission.admit(bearer_token(request))
    except Unauthenticated:
        raise Unauthenticated(headers=PER_CREDENTIAL) from None
    caching = PER_CREDENTIAL if admitted.seconds_left >= LEAST_CACHED_SECONDS else FOR_NOW_ONLY
    exchanged = {"x-auth-token": admitted.token} if admitted.token else {}
    return Response(status_code=204, headers={"x-auth-ok": "1", **exchanged, **caching})
