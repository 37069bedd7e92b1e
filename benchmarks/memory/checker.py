"""What must hold of memory's file at every moment. None of the service's code is believed: the rows are looked at."""

from collections import defaultdict
from collections.abc import Iterator

import apsw

from benchmarks.memory.lab import Lab
from benchmarks.memory.snapshot import Path, Row, Snapshot
from benchmarks.memory.talks import Talk

DEPTH_AND_PASSAGE_BITS, PASSAGE_BITS = 34, 14
"""A passage's number: branch, depth of the turn, place in the turn."""


def violations(lab: Lab, *talks: Talk) -> list[str]:
    """All that is wrong with the file now, and with what it holds of these conversations.

    The service may be running: what it still owes is no fault, but what it has lost is.
    """
    with lab.database() as database:
        return faults_of(Snapshot(database), *talks)


def faults_of(file: Snapshot, *talks: Talk) -> list[str]:
    """The same of any moment of the file."""
    found = [fault for check in CHECKS for fault in check(file)]
    return [*found, *(fault for talk in talks for fault in untrue_turns(file, talk))]


def untrue_turns(file: Snapshot, talk: Talk) -> Iterator[str]:
    """What was told is there once, word for word, after what it was said after; and nothing else is."""
    held = {turn["id"] for turn in file.turns.values() if turn["conversation_id"] == talk.id}
    yield from (f"turn {turn}: told by nobody" for turn in held - talk.turns.keys())
    for said in talk.turns.values():
        turn = file.turns.get(said.id)
        if turn is None:
            yield f"turn {said.id}: lost"
        elif (turn["depth"], turn["user_text"], turn["assistant_text"]) != (said.depth, said.user, said.assistant):
            yield f"turn {said.id}: not what was told"
        elif (before := file.before(turn)) != said.parent:
            yield f"turn {said.id}: follows {before}, not {said.parent}"


def broken_pages(file: Snapshot) -> Iterator[str]:
    """What SQLite itself finds."""
    found = [row["integrity_check"] for row in file.all("pragma integrity_check")]
    yield from (f"file: {each}" for each in found if each != "ok")
    yield from (f"{row['table']} {row['rowid']}: refers to nothing" for row in file.all("pragma foreign_key_check"))
    try:
        file.all("insert into passages_fts (passages_fts) values ('integrity-check')")
    except apsw.Error as error:
        yield f"index: {error}"


def misplaced_turns(file: Snapshot) -> Iterator[str]:
    """Turns of a branch follow each other without gap, from its fork to its tip, and the fork is a turn."""
    depths = defaultdict(list)
    for turn in file.turns.values():
        depths[turn["branch"]].append(turn["depth"])
    for branch in file.branches.values():
        if sorted(depths[branch["id"]]) != list(range(branch["fork_depth"] + 1, branch["tip_depth"] + 1)):
            yield f"branch {branch['id']}: gaps or doubles before depth {branch['tip_depth']}"
        if branch["parent"] is not None and file.at(branch["parent"], branch["fork_depth"]) is None:
            yield f"branch {branch['id']}: forks off nothing"


def wrong_buffers(file: Snapshot) -> Iterator[str]:
    """The pointer stands on the path; the short-term memory is what is deeper, and is counted right."""
    for branch in file.branches.values():
        pointer, tip = branch["folded_through"], branch["tip_depth"]
        if not 0 <= pointer <= tip:
            yield f"branch {branch['id']}: pointer at {pointer} of {tip}"
        buffer = file.remembered(file.path(branch), pointer, tip)
        there = (sum(turn["opens"] for turn in buffer), sum(turn["tokens"] for turn in buffer))
        counted = (branch["unfolded_turns"], branch["unfolded_tokens"])
        if there != counted:
            yield f"branch {branch['id']}: short-term memory of {there} (exchanges, tokens) counted as {counted}"


def uncovered_turns(file: Snapshot) -> Iterator[str]:
    """Live episodes hold each turn up to the pointer; where one is missing, a fold of the branch is owed."""
    for branch in file.branches.values():
        path, pointer = file.path(branch), branch["folded_through"]
        live = file.live_episodes(path, pointer)
        covered = {depth for each in live for depth in range(each["depth_from"], each["depth_to"] + 1)}
        missing = [turn["depth"] for turn in file.remembered(path, 0, pointer) if turn["depth"] not in covered]
        if missing and branch["id"] not in file.folds_owed:
            yield f"branch {branch['id']}: no episode covers depths {sorted(missing)}, and no fold is owed"


def turns_folded_twice(file: Snapshot) -> Iterator[str]:
    """Where a conversation never forked, no two episodes of a level hold the same turn, and none one in the buffer.

    Branches that share turns may each have folded them, if they did so at the same time.
    """
    forked = {branch["conversation_id"] for branch in file.branches.values() if branch["parent"] is not None}
    pointers = {branch["id"]: branch["folded_through"] for branch in file.branches.values()}
    through: dict[tuple[int, int], int] = defaultdict(int)
    for each in sorted(file.episodes.values(), key=lambda episode: episode["depth_to"]):
        if each["conversation_id"] not in forked:
            level = (each["branch"], each["level"])
            if each["depth_from"] <= through[level] or each["depth_to"] > pointers[each["branch"]]:
                yield f"episode {each['id']}: holds turns that are elsewhere too"
            through[level] = each["depth_to"]


def bad_merges(file: Snapshot) -> Iterator[str]:
    """A merged episode holds what episodes of the level below hold, none twice, none left out."""
    for episode in file.episodes.values():
        if episode["level"]:
            path = file.path({**file.branches[episode["branch"]], "tip_depth": episode["depth_to"]})
            yield from _bad_merge(file, path, episode)


def false_quotes(file: Snapshot) -> Iterator[str]:
    """What an episode quotes are words of the user's."""
    for each in file.episodes.values():
        if each["quote_turn_id"] and not file.quotes(each["quote_turn_id"], each["quote_from"], each["quote_to"]):
            yield f"episode {each['id']}: quotes what is not there"


def groundless_facts(file: Snapshot) -> Iterator[str]:
    """A fact was said by its owner at every place that is named, or its owner wrote it."""
    sources = defaultdict(list)
    for source in file.all("select fact_id, turn_id, quote_from, quote_to from fact_sources"):
        sources[source["fact_id"]].append(source)
    for fact in file.all("select id, owner, status, edited_by from facts"):
        if not sources[fact["id"]] and fact["edited_by"] != "user":
            yield f"fact {fact['id']} ({fact['status']}): said nowhere"
        for source in sources[fact["id"]]:
            turn = file.turns.get(source["turn_id"])
            if turn is None or turn["owner"] != fact["owner"]:
                yield f"fact {fact['id']}: its source is no turn of its owner's"
            elif not file.quotes(turn["id"], source["quote_from"], source["quote_to"]):
                yield f"fact {fact['id']}: quotes what is not there"


def wrong_index(file: Snapshot) -> Iterator[str]:
    """Each remembered turn is in the index, whole, for its owner alone; and nothing else is."""
    waiting = {row["turn"] for row in file.all("select turn from unindexed")}
    passages = defaultdict(list)
    for passage in file.all("select * from passages"):
        passages[passage["number"] >> DEPTH_AND_PASSAGE_BITS, _depth_of(passage["number"])].append(passage)
    for turn in file.turns.values():
        pieces = passages.pop((turn["branch"], turn["depth"]), [])
        if turn["number"] not in waiting and bool(pieces) != bool(turn["remembered"]):
            yield f"index: turn {turn['id']} has {len(pieces)} passages"
        elif pieces and not (_whole(turn, "user", pieces) and _whole(turn, "assistant", pieces)):
            yield f"index: turn {turn['id']} is not there whole"
    yield from (f"index: passages of {place}, where there is no turn" for place in passages)


def wrong_entries(file: Snapshot) -> Iterator[str]:
    """Every passage has its words in the index, under its owner's number, and is counted."""
    entries = {row["rowid"]: row for row in file.all("select rowid, user_text, assistant_text from passages_fts")}
    owners = {row["owner"]: row for row in file.all("select owner, number, passages from index_owners")}
    counted: dict[str, int] = defaultdict(int)
    for number in (row["number"] for row in file.all("select number from passages")):
        turn = file.at(number >> DEPTH_AND_PASSAGE_BITS, _depth_of(number))
        entry = entries.pop(number, None)
        if turn is None or entry is None:
            yield f"index: passage {number} has no entry or no turn"
            continue
        counted[turn["owner"]] += 1
        prefix = f"{owners[turn['owner']]['number']}·"
        if not all(word.startswith(prefix) for word in f"{entry['user_text']} {entry['assistant_text']}".split()):
            yield f"index: turn {turn['id']} is found by somebody else"
    yield from (f"index: entry {number} belongs to no passage" for number in entries)
    for owner, row in owners.items():
        if row["passages"] != counted[owner]:
            yield f"index: {owner} has {counted[owner]} passages, counted as {row['passages']}"


def _bad_merge(file: Snapshot, path: Path, merged: Row) -> Iterator[str]:
    upto = merged["depth_to"]
    while upto >= merged["depth_from"]:
        part = file.episode_ending(path, upto, merged["level"] - 1)
        if part is None and file.remembered(path, upto - 1, upto):
            yield f"episode {merged['id']}: depth {upto} is in none of those it was merged from"
            return
        upto = part["depth_from"] - 1 if part else upto - 1
    if upto != merged["depth_from"] - 1:
        yield f"episode {merged['id']}: holds less than those it was merged from"


def _depth_of(passage: int) -> int:
    return (passage >> PASSAGE_BITS) % (1 << DEPTH_AND_PASSAGE_BITS - PASSAGE_BITS)


def _whole(turn: Row, side: str, pieces: list[Row]) -> bool:
    """Whether the passages together are the text, without gap or overlap."""
    at = 0
    for start, stop in sorted((each[f"{side}_from"], each[f"{side}_to"]) for each in pieces):
        if start < stop and start != at:
            return False
        at = max(at, stop)
    return at == len(turn[f"{side}_text"])


CHECKS = (
    broken_pages,
    misplaced_turns,
    wrong_buffers,
    uncovered_turns,
    turns_folded_twice,
    bad_merges,
    false_quotes,
    groundless_facts,
    wrong_index,
    wrong_entries,
)
