"""Cuts the messages of a request into passages (sentences, table rows, lines) and finds what is being asked."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dev.offline_llm.language import QUESTION_MARKS, content_stems, sentences, squeezed, words
from dev.offline_llm.wire import Message

USER, ASSISTANT, SYSTEM, DOCUMENT = "user", "assistant", "system", "document"

_THINK = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_OPENING = re.compile(r"^[ \t]*<([A-Za-z][\w.-]*)\b[^<>]*>", re.MULTILINE)
_ASSISTANT_PART = re.compile(r"<assistant\b[^<>]*>(.*?)</assistant\s*>", re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][\w.-]*(?:\s[^<>]*)?/?>")
_ASSISTANT_LINE = re.compile(r"\s*(?:\[[^\]]*\]\s*)?assistant\b[^:\n]{0,40}:", re.IGNORECASE)
_RULE = re.compile(r"\s*\|?[\s:|-]*-{2,}[\s:|-]*\|?\s*$")
_INTERROGATIVE = frozenset(
    """what what's when where where's which who who's whom whose why how is are was were am do does did can could will
    would should have has had tell show list give find summarise summarize explain describe compare read quote
    translate write calculate please""".split()
)
_SEPARATORS = ("\t", ";", "|", ",")


@dataclass(frozen=True)
class Passage:
    """A quotable piece of the conversation; a table row knows its header."""

    text: str
    source: str
    order: int
    header: str = ""

    @property
    def quoted(self) -> str:
        """As an answer shows it."""
        return f"{self.header}\n{self.text}" if self.header else squeezed(self.text)


@dataclass(frozen=True)
class Material:
    """A request read for answering: what is asked, and what there is to answer from."""

    question: str
    passages: list[Passage]
    first_answer: bool


def read(messages: list[Message]) -> Material:
    """Everything but the question is something to answer from, the rest of the question's own message included."""
    asked_in = max((i for i, message in enumerate(messages) if message.role == "user"), default=-1)
    question, pieces = "", list[tuple[str, str]]()
    for index, message in enumerate(messages):
        if index == asked_in:
            question, rest = _split_question(message)
            pieces.extend(rest)
        elif message.role == "assistant":
            pieces.append((ASSISTANT, _THINK.sub("", message.text)))
        else:
            pieces.extend(_by_source(message.text, {"user": USER, "tool": DOCUMENT}.get(message.role, SYSTEM)))
    first = all(message.role != "assistant" for message in messages)
    return Material(question, list(_numbered(pieces)), first)


def is_question(text: str) -> bool:
    """Whether this asks for something rather than says something."""
    said = words(text)
    if said[:2] == ["do", "not"]:
        return False
    return any(mark in text for mark in QUESTION_MARKS) or (bool(said) and said[0] in _INTERROGATIVE)


def _split_question(message: Message) -> tuple[str, list[tuple[str, str]]]:
    """The user's own words that ask, and the rest of that message by source."""
    pieces, paragraphs = list[tuple[str, str]](), list[str]()
    for text in message.texts:
        pieces.extend(piece for piece in _by_source(text, USER) if piece[0] != USER)
        paragraphs.extend(part for part in re.split(r"\n\s*\n", _untagged(text)) if part.strip())
    if not paragraphs:
        return "", pieces
    asking = [i for i, part in enumerate(paragraphs) if is_question(part) and len(part) < 1000]
    chosen = next((i for i in (len(paragraphs) - 1, 0) if i in asking), asking[-1] if asking else len(paragraphs) - 1)
    question = paragraphs.pop(chosen)
    question, said = _asking_sentences(question)
    return question.strip(), [*pieces, *((DOCUMENT, part) for part in paragraphs), (USER, said)]


def _asking_sentences(paragraph: str) -> tuple[str, str]:
    """A paragraph parted into what asks and what tells."""
    parts = [paragraph[start:end] for start, end in sentences(paragraph)]
    asking = [part for part in parts if is_question(part)]
    if not asking:
        return paragraph, ""
    return " ".join(asking), "\n".join(part for part in parts if part not in asking)


def _by_source(text: str, source: str) -> Iterator[tuple[str, str]]:
    """Tagged blocks are documents, except what they say the assistant said; the rest is the speaker's own."""
    position = 0
    for start, end in _tagged_blocks(text):
        yield source, text[position:start]
        inner, position = start, end
        for spoken in _ASSISTANT_PART.finditer(text, start, end):
            yield DOCUMENT, text[inner : spoken.start()]
            yield ASSISTANT, spoken.group(1)
            inner = spoken.end()
        yield DOCUMENT, text[inner:end]
    yield source, text[position:]


def _untagged(text: str) -> str:
    """The text with every tagged block replaced by a paragraph break."""
    return "\n\n".join(piece for source, piece in _by_source(text, USER) if source == USER)


def _tagged_blocks(text: str) -> Iterator[tuple[int, int]]:
    """Offsets of <tag>...</tag> that begin a line; looks for no end tag that is not there, so long HTML stays cheap."""
    last_end, position = dict[str, int](), 0
    for opening in _OPENING.finditer(text):
        tag = f"</{opening[1]}>"
        if tag not in last_end:
            last_end[tag] = text.rfind(tag)
        if opening.start() >= position and last_end[tag] >= opening.end():
            position = text.find(tag, opening.end()) + len(tag)
            yield opening.start(), position


def _numbered(pieces: Iterable[tuple[str, str]]) -> Iterator[Passage]:
    order = 0
    for source, text in pieces:
        for passage, header in _passages(_TAG.sub("\n", text)):
            speaker = ASSISTANT if _ASSISTANT_LINE.match(passage) else source
            yield Passage(passage, speaker, order, header)
            order += 1


def _passages(text: str) -> Iterator[tuple[str, str]]:
    """(text, table header) of each passage, in order."""
    prose, lines, index = list[str](), text.splitlines(), 0
    while index < len(lines):
        height = _table_height(lines, index)
        if not height:
            prose.append(lines[index])
            index += 1
            continue
        yield from _sentences_of(prose)
        prose = []
        yield from _rows(lines[index : index + height])
        index += height
    yield from _sentences_of(prose)


def _sentences_of(lines: list[str]) -> Iterator[tuple[str, str]]:
    text = "\n".join(lines)
    return ((text[start:end], "") for start, end in sentences(text))


def _rows(table: list[str]) -> Iterator[tuple[str, str]]:
    """Each row with what is needed to read it: the header, and in Markdown the rule under it."""
    ruled = _RULE.match(table[1]) and "-" in table[1]
    header = "\n".join(line.strip() for line in table[: 2 if ruled else 1])
    return ((line.strip(), header) for line in table[2 if ruled else 1 :])


def _table_height(lines: list[str], start: int) -> int:
    """How many lines from here form a table: the same number of the same separator, in short cells."""
    for separator in _SEPARATORS:
        columns = lines[start].count(separator)
        if columns == 0 or not _has_short_cells(lines[start], separator):
            continue
        end = start + 1
        while end < len(lines) and _continues(lines[end], separator, columns):
            end += 1
        if end - start > 1:
            return end - start
    return 0


def _continues(line: str, separator: str, columns: int) -> bool:
    return line.count(separator) == columns and _has_short_cells(line, separator)


def _has_short_cells(line: str, separator: str) -> bool:
    """Commas and semicolons also occur in prose: there, cells are long or a full stop ends the line."""
    if separator in "\t|":
        return True
    words_in_cell = 3 if f"{separator} " in line else 6
    cells = line.split(separator)
    return not line.rstrip().endswith((".", "?", "!", ":")) and all(
        len(cell.split()) <= words_in_cell for cell in cells
    )


def stems_of(passage: Passage) -> set[str]:
    """The content of a passage's own text, without its table header."""
    return set(content_stems(passage.text))
