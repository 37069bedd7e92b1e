"""Accounts: signing up, logging in, coming as a guest."""

from auth_service.passwords import Passwords
from auth_service.problems import EmailTaken, InvalidCredentials
from auth_service.schemas import Tokens, UserObject
from auth_service.sign_ins import SignIn, SignIns, user_object
from auth_service.stores.sessions import Sessions
from auth_service.stores.users import User, Users
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.ids import new_id
from chassis.problems import Unauthenticated


class Accounts:
    def __init__(self, database: Database, passwords: Passwords, sign_ins: SignIns, clock: Clock) -> None:
        self._database = database
        self._passwords = passwords
        self._sign_ins = sign_ins
        self._clock = clock

    async def sign_up(self, email: str, password: str, username: str, user_agent: str | None) -> Tokens:
        """Raises `WeakPassword`, `EmailTaken`."""
        self._passwords.refuse_weak(password, email=email, username=username)
        password_hash = await self._passwords.hash(password)
        user = User(new_id("user"), "user", email, username, password_hash, int(self._clock()))
        return await self._welcome(user, user_agent)

    async def enter_as_guest(self, user_agent: str | None) -> Tokens:
        """A real principal without a name."""
        return await self._welcome(User(new_id("user"), "guest", None, None, None, int(self._clock())), user_agent)

    async def log_in(self, email: str, password: str, user_agent: str | None) -> Tokens:
        """Raises `InvalidCredentials`, after the same work for an unknown address as for a wrong password."""
        user = await self._database.read(lambda tx: Users(tx).with_email(email))
        stored = user.password_hash if user else None
        matches = await self._passwords.verify(stored, password)
        if user is None or stored is None or not matches:
            raise InvalidCredentials()
        renewed = await self._passwords.hash(password) if self._passwords.is_outdated(stored) else stored
        sign_in = self._sign_ins.begin(user, user_agent)

        def store(tx: Transaction) -> None:
            # The password may have been changed, or the account deleted, while this one was being compared.
            if not Users(tx).replace_password_hash(user.id, old=stored, new=renewed):
                raise InvalidCredentials()
            Sessions(tx).add(sign_in.session)

        await self._database.write(store)
        return sign_in.tokens

    async def account(self, user_id: str) -> UserObject:
        """What a signed-in user sees of themselves. Raises `Unauthenticated` when the account is gone."""
        user = await self._database.read(lambda tx: Users(tx).get(user_id))
        if user is None:
            raise Unauthenticated()
        return user_object(user)

    async def _welcome(self, user: User, user_agent: str | None) -> Tokens:
        sign_in = self._sign_ins.begin(user, user_agent)
        await self._database.write(lambda tx: _store_new(tx, user, sign_in))
        return sign_in.tokens


def _store_new(tx: Transaction, user: User, sign_in: SignIn) -> None:
    if not Users(tx).add(user):
        raise EmailTaken(param="email")
    Sessions(tx).add(sign_in.session)
