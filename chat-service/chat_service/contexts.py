"""The context of a turn: what is stable first, so that the provider's prefix cache works; the user's words last."""

from datetime import datetime

import structlog

from chassis.calibration import TokenRatios
from chassis.clock import Clock
from chassis.database import Database, Transaction
from chassis.owners import Owners
from chassis.problems import Problem
from chat_service.attachments import Attachments
from chat_service.clients.files import FileText
from chat_service.context import Context
from chat_service.documents import blocks_of, images_of
from chat_service.history import Before, Histories, what_precedes
from chat_service.inputs import file_ids, has_images, parts_of, user_text
from chat_service.models import Catalogue
from chat_service.places import IMAGE_TURNS
from chat_service.prompts import system_prompt
from chat_service.stores.items import Item, Items
from chat_service.stores.responses import StoredResponse
from chat_service.stores.user_settings import Preferences, UserSettings
from chat_service.transcripts import IMAGE_TOKENS, Message, matched, messages_of, tokens_in

MOST_EARLIER_IMAGES = 4
EARLIER_IMAGES = "Images sent earlier in this conversation:"

log = structlog.get_logger()


class Contexts:
    """Assembles contexts; `file_tokens` is the room for the texts of files, where the model has as much.

    An answer has up to `max_output_tokens`, for which room is left.
    """

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        attachments: Attachments,
        histories: Histories,
        file_tokens: int,
        max_output_tokens: int,
        ratios: TokenRatios,
        clock: Clock,
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._attachments = attachments
        self._histories = histories
        self._file_tokens = file_tokens
        self._max_output_tokens = max_output_tokens
        self._ratios = ratios
        self._clock = clock

    async def assemble(self, turn: StoredResponse, items: list[Item], *, waits: bool = True) -> Context:
        """`waits` for the files that the turn names. Raises `FileFailed`, `FileNotReady` and the like."""
        before, preferences = await self._database.read(lambda tx: _known_before(tx, turn))
        asked = [*before.exchange_items, *items]
        files = await self._attachments.texts(turn.owner, asked, waits=waits)
        context = Context(token_ratio=self._ratios.of(turn.model_id))
        self._add_prompts(context, turn, preferences)
        room = self._room(context, turn, asked)
        recall = await self._histories.add(context, turn, before, user_text(asked), room - context.tokens)
        earlier = await self._earlier_images(context, turn, asked, before)
        room -= context.tokens + context.estimated(IMAGE_TOKENS * len(earlier))
        file_room = min(context.estimated(self._file_tokens), room)
        self._add_asked(context, turn, asked, recall=recall, files=files, file_room=file_room, earlier=earlier)
        return context

    def _room(self, context: Context, turn: StoredResponse, asked: list[Item]) -> int:
        """How many of our tokens the model can take besides the question and its answer."""
        model = self._catalogue.model(turn.model_id)
        answer = model.output_tokens(turn.request.get("max_output_tokens"), self._max_output_tokens)
        images = IMAGE_TOKENS * len(parts_of(asked, "input_image"))
        return context.estimated(model.room(answer) - images) - sum(map(tokens_in, messages_of(asked)))

    def _add_prompts(self, context: Context, turn: StoredResponse, preferences: Preferences) -> None:
        now = datetime.fromtimestamp(self._clock(), preferences.zone)
        mode = self._catalogue.mode(turn.mode)
        prompt = system_prompt(mode, now=now, name=preferences.name, persona=preferences.persona)
        for kind, source, text in (
            ("prompt", "mode", prompt),
            ("instructions", "request", turn.request.get("instructions")),
        ):
            if text:
                context.add(kind, source, [], [{"role": "system", "content": text}])

    def _add_asked(
        self,
        context: Context,
        turn: StoredResponse,
        asked: list[Item],
        *,
        recall: str | None,
        files: list[FileText],
        file_room: int,
        earlier: list[str],
    ) -> None:
        """The turn's own messages; what was recalled and attached stands before the words of the last of the user's."""
        messages = matched(messages_of(asked))
        last = next((message for message in reversed(messages) if message["role"] == "user"), None)
        if last is None:  # results of functions alone
            last = {"role": "user", "content": ""}
            messages += [last] if recall or earlier else []
        messages = [each for each in messages if each is last or each["content"] or each.get("tool_calls")]
        first = len(context.messages)
        place = first + next((index for index, message in enumerate(messages) if message is last), 0)
        said = sum(map(tokens_in, messages))
        context.count("input", "user", [turn.id], said, where=(first, first + len(messages) - 1))
        blocks = blocks_of(context, files, max(0, file_room), place)
        images = images_of(asked, files)
        for file_id, _ in images:
            ids = [file_id] if file_id else []
            context.count("image", "files" if file_id else "user", ids, IMAGE_TOKENS, where=(place, place))
        if earlier:
            tokens = IMAGE_TOKENS * len(earlier)
            context.count("image", "conversation", [], tokens, where=(place, place), reason="sent_earlier")
        text = "\n\n".join(part for part in (recall, *blocks, last["content"]) if part)
        last["content"] = _with_images(text, [url for _, url in images], earlier)
        context.messages += [each for each in messages if each is not last or each["content"]]

    async def _earlier_images(
        self, context: Context, turn: StoredResponse, asked: list[Item], before: Before
    ) -> list[str]:
        """`data:` URLs of the images of the last few turns, for a model that can look at them."""
        if turn.image_depth is None or has_images(asked) or not self._catalogue.model(turn.model_id).vision:
            return []
        near = before.tail[: max(0, turn.depth - turn.image_depth)][:IMAGE_TURNS]

        def read(tx: Transaction) -> list[Item]:
            return [item for response_id in reversed(near) for item in Items(tx).of(response_id, "input")]

        items = _only_images(await self._database.read(read))
        try:
            files = await self._attachments.texts(turn.owner, items, waits=False)
        except Problem as problem:  # deleted meanwhile, or files is down: the question can still be answered
            log.warning("earlier_images_missing", code=problem.code)
            context.drop("image", "conversation", file_ids(items), 0, "unavailable")
            files = []
        return [url for _, url in images_of(items, files)][-MOST_EARLIER_IMAGES:]


def _known_before(tx: Transaction, turn: StoredResponse) -> tuple[Before, Preferences]:
    """What precedes the turn, and what its user chose; read at once, as each read is a way to another thread."""
    return what_precedes(tx, turn), UserSettings(tx).find(Owners(tx).present(turn.owner))


def _only_images(items: list[Item]) -> list[Item]:
    parts = parts_of(items, "input_image")
    return [{"type": "message", "role": "user", "content": parts}] if parts else []


def _with_images(text: str, images: list[str], earlier: list[str]) -> str | list[Message]:
    """Plain text where there is nothing to look at: every model takes that."""
    if not (images or earlier):
        return text
    parts: list[Message] = []
    if earlier:
        parts += [{"type": "text", "text": EARLIER_IMAGES}, *map(_image, earlier)]
    if text:
        parts.append({"type": "text", "text": text})
    return [*parts, *map(_image, images)]


def _image(url: str) -> Message:
    return {"type": "image_url", "image_url": {"url": url}}
