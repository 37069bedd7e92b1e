"""Stems in many scripts: what the index holds of a text, and what is looked for."""

import hypothesis
import pytest
from hypothesis import strategies as st

from memory_service.arabic import arabic_stem
from memory_service.words import LONGEST_STEM, _stem, alike_stems, asked, indexed, overlap


def finds(query: str, text: str) -> bool:
    """Whether the index holds every word of the query for the text."""
    held = indexed(text)

    def is_held(stem: str) -> bool:
        return stem in held or (stem.endswith("*") and any(each.startswith(stem[:-1]) for each in held))

    wanted = asked(query)
    return bool(wanted) and all(any(map(is_held, alike)) for alike in wanted)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("cities walked", "I was walking through the city."),
        ("café naive", "A NAÏVE Cafe"),
        ("Katzen", "Meine Katze heißt Minka und sie schläft."),
        ("Wie heißen die Häuser?", "Das Haus heisst jetzt so, und es heißen viele so."),
        ("STRASSE", "Ich wohne in der Straße."),
        ("chevaux noirs", "Les chevaux noirs sont dans le pré."),
        ("кошкой", "Мою кошку зовут Мурка."),
        ("العربة", "رقم عربتي جديد"),
        ("سيارة", "والسيارة رقمها 4711"),
        ("密码", "我的自行车锁的密码是四七一一。"),
        ("猫", "我的猫"),
        ("猫", "猫很老"),
        ("東京", "東京に住んでいます"),
        ("고양이", "내 고양이의 이름은 나비"),
        ("किताबें", "मेरी किताब नई है"),
        ("แมว", "แมวของฉันชื่อมะลิ"),
        ("手机", "iPhone手机壳"),
        ("iphone", "iPhone手机壳"),
        ("ﬁsh", "fish"),
        ("snake_case", "snake case"),
        ("KIZIM kizim", "kızım"),
        ("duong Da Nang", "Đà Nẵng, đường"),
        ("lodz smorrebrod", "Łódź, smørrebrød"),
        ("کتاب", "كتاب"),
        ("دوستی", "دوستي"),
        ("می‌خواهم", "میخواهم"),
        ("کتاب‌ها", "کتاب"),
        ("123 ۴۵۶", "١٢٣ 456"),
    ],
)
def test_other_forms_of_a_word_are_found(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [("猫", "狗很老"), ("密码", "我的自行车"), ("Katze", "Mein Hund ist alt."), ("سيارة", "رقم بيتي")],
)
def test_other_words_are_not(query: str, text: str) -> None:
    assert not finds(query, text)


def test_words_that_say_nothing_are_not_looked_for() -> None:
    assert asked("What is the name of the violin teacher of mine?") == [("name",), ("violin",), ("teacher",)]
    assert asked("Wie ist der Name von meiner Lehrerin?")[0][0] == "nam"
    assert len(asked("Wie ist der Name von meiner Lehrerin?")) == 2
    assert asked("who is it that's them?") == []


def test_a_query_in_no_known_language_is_looked_for_in_all_of_them() -> None:
    [alike] = asked("Katzen")

    assert {"katzen", "katz"} <= set(alike)


@pytest.mark.parametrize(
    "forms",
    [
        ("كتاب", "الكتاب", "والكتاب", "كتابي", "بالكتاب", "كتابها"),
        ("سيارة", "سيارتي", "السيارات", "وسيارتنا"),
        ("قطة", "قطتي", "القطة"),
        ("إسم", "اسم", "اسمها"),
    ],
)
def test_what_clings_to_an_arabic_word_does_not_count(forms: tuple[str, ...]) -> None:
    assert len({arabic_stem(form) for form in forms}) == 1


@hypothesis.given(st.text(max_size=300))
def test_whatever_is_asked_for_is_held_of_the_same_text(text: str) -> None:
    held = set(indexed(text))

    for alike in asked(text):
        assert any(stem in held or (stem.endswith("*") and stem[:-1] in held) for stem in alike)


@hypothesis.given(st.text(max_size=300))
def test_a_stem_is_one_word_of_the_index_and_not_long(text: str) -> None:
    for stem in indexed(text):
        assert 0 < len(stem) <= LONGEST_STEM
        assert not any(c.isspace() or (c.isascii() and not c.isalnum()) or c == "·" for c in stem)


def test_what_a_summariser_calls_people_does_not_part_a_fact_from_its_words() -> None:
    assert overlap("The user works as a nurse.", "I am a nurse.") == pytest.approx(1 / 3)
    assert overlap("The user works as a nurse.", "I am a nurse.", {"user"}) == 0.5


def test_texts_that_are_compared_count_as_of_one_language() -> None:
    fact, said = alike_stems("Katzen: drei", "Ich habe drei Katzen und die sind alt.")

    assert fact <= said


def test_of_a_long_query_the_ends_are_looked_for_whatever_was_said_between() -> None:
    paste = " ".join(f"word{number}" for number in range(100))

    wanted = asked(f"{paste} boathouse code {paste} boathouse code", most=10)

    assert [alike[0] for alike in wanted] == [
        *("word0", "word1", "word2", "word3", "word4"),
        *("word97", "word98", "word99", "boathous", "code"),
    ]


def test_a_long_query_and_its_long_words_cost_no_more_than_what_is_looked_for() -> None:
    before = _stem.cache_info().misses

    asked(" ".join(f"lengthy{number}" for number in range(2000)), most=40)
    asked("x" * 100_000)
    asked("x" * 100_000 + "y")  # what differs is not looked at, and not kept

    assert _stem.cache_info().misses - before <= 41 * 7
