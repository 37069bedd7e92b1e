"""Every refusal of auth, beside those that the chassis makes."""

from chassis.problems import (
    Conflict,
    Forbidden,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)


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


class WrongPassword(Forbidden):
    """For somebody who is signed in and confirms with their password; a 401 would look like the end of the session."""

    code = "wrong_password"
    detail = "The password is wrong."


class ReauthenticationRequired(Forbidden):
    """For an account without a password, where a fresh sign-in is the confirmation."""

    code = "reauthentication_required"
    detail = "This needs a sign-in of the last ten minutes; sign in again, then repeat it."


class InvalidRefreshToken(Unauthenticated):
    """The same for a token that was never one, one that was used before, and one whose session has ended."""

    code = "invalid_refresh_token"
    detail = "The refresh token is not valid any more; sign in again."


class SignInBusy(Unavailable):
    code = "sign_in_busy"
    detail = "Too many people are signing in at the moment; try again shortly."


class TooManyAttempts(TooManyRequests):
    """`retry-after` says when to come back."""

    code = "too_many_attempts"
    detail = "There were too many attempts; try again later."


class AccountDisabled(Forbidden):
    """Said only to who knows the password, or has the Google account."""

    code = "account_disabled"
    detail = "This account was disabled by an operator."


class EmailNotVerified(Forbidden):
    """Said only to who knows the password."""

    code = "email_not_verified"
    detail = "This e-mail address has not been verified yet; follow the link in the mail."


class SignUpClosed(Forbidden):
    code = "sign_up_closed"
    detail = "New accounts are not open here."


class InvalidInvitation(Forbidden):
    code = "invalid_invitation"
    detail = "New accounts need an invitation here, and this one is not valid."


class GuestsOff(Forbidden):
    code = "guests_off"
    detail = "Guests are not welcome here; sign up instead."


class InvalidGuestToken(Unprocessable):
    """Nothing was changed: what the guest made would not have come along."""

    code = "invalid_guest_token"
    detail = "The guest token is not valid any more; refresh it, or sign in without it."


class GuestAlreadyMerged(Conflict):
    code = "guest_already_merged"
    detail = "What this guest made belongs to another account already; sign in without the guest token."


class MailNotConfigured(Unavailable):
    code = "mail_not_configured"
    detail = "This server sends no mail: its operator has not set SMTP_HOST."


class InvalidMailToken(Unprocessable):
    """The same for a token that was never one, was used before, is too old, or was overtaken."""

    code = "invalid_mail_token"
    detail = "This link is not valid any more; ask for a new one."


class GoogleNotConfigured(Unavailable):
    code = "google_not_configured"
    detail = "Google sign-in is not set up here: its operator has not set GOOGLE_CLIENT_ID."


class GoogleUnavailable(Unavailable):
    code = "google_unavailable"
    detail = "Google's keys cannot be fetched at the moment; try again shortly, or sign in another way."


class InvalidGoogleToken(Unprocessable):
    """Forged, for another place, expired, or used before, without saying which. Who links is signed in: no 401."""

    code = "invalid_google_token"
    detail = "This Google sign-in is not valid, or was used before; sign in with Google again."


class GoogleAccountTaken(Conflict):
    code = "google_account_taken"
    detail = "This Google account belongs to another account here."


class GoogleAlreadyLinked(Conflict):
    code = "google_already_linked"
    detail = "Another Google account is linked to this account; unlink it first."


class LastWayToSignIn(Conflict):
    code = "last_way_to_sign_in"
    detail = "This is the only way to sign in to this account; set a password first."


class CrossSiteRequest(Forbidden):
    """The refresh cookie alone is no proof that the front-end sent the request."""

    code = "cross_site_request"
    detail = "A request with the refresh cookie needs an Origin that is allowed here and an X-Requested-With header."


class SessionNotFound(NotFound):
    code = "session_not_found"
    detail = "There is no such session."


class ApiKeyNotFound(NotFound):
    code = "api_key_not_found"
    detail = "There is no such API key."


class TooManyApiKeys(Conflict):
    code = "too_many_api_keys"
    detail = "There are too many API keys; revoke one first."


class DeletionNotFound(NotFound):
    code = "deletion_not_found"
    detail = "There is no such deletion."


class AccountNotFound(NotFound):
    """For operators."""

    code = "account_not_found"
    detail = "There is no such account."
