"""Every refusal of auth, beside those that the chassis makes."""

from chassis.problems import Conflict, Unauthenticated, Unavailable, Unprocessable


class EmailTaken(Conflict):
    code = "email_taken"
    detail = "There is an account with this e-mail address already; log in instead."


class WeakPassword(Unprocessable):
    code = "weak_password"
    detail = "This password is too easy to guess; choose another."


class InvalidCredentials(Unauthenticated):
    """The same for an unknown address and for a wrong password."""

    code = "invalid_credentials"
    detail = "The e-mail address or the password is wrong."


class InvalidRefreshToken(Unauthenticated):
    """The same for a token that was never one, one that was used before, and one whose session has ended."""

    code = "invalid_refresh_token"
    detail = "The refresh token is not valid any more; sign in again."


class SignInBusy(Unavailable):
    code = "sign_in_busy"
    detail = "Too many people are signing in at the moment; try again shortly."
