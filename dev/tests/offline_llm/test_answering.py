import random
import time

import httpx

from dev.offline_llm.answering import INTRODUCTION, NOTHING_FOUND, answer
from dev.offline_llm.passages import read
from dev.offline_llm.wire import Message
from dev.tests.offline_llm.asking import assistant, said, system, user

PERSONA = system("You are Deepthinks, a helpful assistant. Answer briefly and truthfully.")


def filler(sentences: int, seed: int = 7) -> str:
    chance = random.Random(seed)
    syllables = ["ba", "ko", "ri", "mu", "te", "lo", "sa", "vi", "ne", "du"]
    word = lambda: "".join(chance.choices(syllables, k=chance.randint(2, 4)))  # noqa: E731
    return " ".join(" ".join(word() for _ in range(14)).capitalize() + "." for _ in range(sentences))


async def test_a_fact_from_the_first_turn_is_recalled_out_of_a_long_context(http: httpx.AsyncClient) -> None:
    talk = [PERSONA, user("My dog is called Rex and he is three years old."), assistant()]
    for turn in range(40):
        talk += [user(f"Today was day {turn}. {filler(5, turn)}"), assistant(filler(5, 1000 + turn))]

    answer = await said(http, *talk, user("What is the name of my dog?"))

    assert answer == "My dog is called Rex and he is three years old."


async def test_what_the_user_said_outranks_what_the_assistant_said(http: httpx.AsyncClient) -> None:
    talk = [user("My flight leaves on Monday."), assistant("Your flight leaves on Friday.")]

    answer = await said(http, *talk, user("When does my flight leave?"))

    assert answer == "My flight leaves on Monday."


async def test_a_question_is_one_in_other_scripts_too(http: httpx.AsyncClient) -> None:
    talk = [user("اسم قطتي مشمش وهي تعيش في الإسكندرية."), assistant()]

    answer = await said(http, *talk, user("أين تعيش قطتي مشمش؟"))

    assert answer == "اسم قطتي مشمش وهي تعيش في الإسكندرية."


async def test_the_question_is_never_echoed_as_its_answer(http: httpx.AsyncClient) -> None:
    question = "Where is the golden key of the lighthouse?"

    answer = await said(http, user(question), assistant(), user(question))

    assert question not in answer


async def test_what_nothing_bears_on_is_said_not_to_be_there(http: httpx.AsyncClient) -> None:
    talk = [PERSONA, user("My dog is called Rex."), assistant()]

    for turn in range(20):
        talk += [user(f"Today was day {turn} and I bought bread."), assistant()]

    about_another = await said(http, *talk, user("What is my cat's name?"))
    about_the_world = await said(http, *talk, user("What is the capital of Peru?"))

    assert about_another == NOTHING_FOUND
    assert about_the_world == NOTHING_FOUND


async def test_a_needle_in_an_attached_document_is_found(http: httpx.AsyncClient) -> None:
    document = f"{filler(300)}\nThe launch code of the Orion project is 4711-Zebra.\n{filler(300, 8)}"
    message = [
        {"type": "text", "text": f'<file name="report.pdf">\n{document}\n</file>'},
        {"type": "text", "text": "What is the launch code of Orion?"},
    ]

    answer = await said(http, assistant(), user(message))

    assert answer == "The launch code of the Orion project is 4711-Zebra."


async def test_a_sentence_wrapped_over_two_lines_is_quoted_whole(http: httpx.AsyncClient) -> None:
    document = (
        "The committee met in spring and agreed that the budget of\nthe harbour bridge is 12 million euros. All left."
    )

    answer = await said(http, assistant(), user(f"<doc>\n{document}\n</doc>\n\nWhat is the budget of the bridge?"))

    assert answer == "The committee met in spring and agreed that the budget of the harbour bridge is 12 million euros."


async def test_a_row_of_a_markdown_table_comes_with_its_header(http: httpx.AsyncClient) -> None:
    table = "| Quarter | Revenue |\n|---|---|\n| Q1 | 100 |\n| Q2 | 120 |\n| Q3 | 140 |"

    answer = await said(
        http, user(f"Here are our figures:\n\n{table}"), assistant(), user("What is the revenue of Q3?")
    )

    assert answer == "| Quarter | Revenue |\n|---|---|\n| Q3 | 140 |"


async def test_a_row_of_a_csv_file_comes_with_its_header(http: httpx.AsyncClient) -> None:
    file = "<file>\ncity,population,river\nLyon,520000,Rhone\nPorto,230000,Douro\nBasel,170000,Rhine\n</file>"

    answer = await said(http, assistant(), user(f"{file}\n\nWhat is the population of Porto?"))

    assert answer == "city,population,river\nPorto,230000,Douro"


async def test_commas_in_talk_do_not_make_a_table(http: httpx.AsyncClient) -> None:
    talk = "Yes, the boat is called Aurora\nWell, a friend painted it blue\nSure, we sail on Sunday"

    answer = await said(http, user(talk), assistant(), user("What is the boat called?"))

    assert answer == "Yes, the boat is called Aurora"


async def test_a_recalled_turn_inside_the_last_message_is_used(http: httpx.AsyncClient) -> None:
    recalled = (
        '<recalled>\n<turn id="turn_1">\n<user>My sister Clara lives in Oslo.</user>\n'
        "<assistant>Your sister lives in Bergen.</assistant>\n</turn>\n</recalled>"
    )

    answer = await said(http, assistant(), user(f"{recalled}\n\nWhere does my sister live?"))

    assert answer == "My sister Clara lives in Oslo."


async def test_a_statement_is_acknowledged(http: httpx.AsyncClient) -> None:
    answer = await said(http, assistant(), user("I am planning a trip to Porto on 5 May."))

    assert answer == "Noted: I am planning a trip to Porto on 5 May."


async def test_only_the_first_answer_says_that_this_is_a_stand_in(http: httpx.AsyncClient) -> None:
    first = await said(http, user("My name is Ada."))
    second = await said(http, user("My name is Ada."), assistant(first), user("I live in Rome."))

    assert first.startswith(INTRODUCTION)
    assert INTRODUCTION not in second


async def test_what_an_earlier_answer_only_thought_is_no_material(http: httpx.AsyncClient) -> None:
    talk = [user("Hello"), assistant("<think>The vault number is 99.</think>Hello!")]

    answer = await said(http, *talk, user("What is the vault number?"))

    assert answer == NOTHING_FOUND


async def test_the_same_messages_always_give_the_same_answer(http: httpx.AsyncClient) -> None:
    talk = [user(filler(50)), assistant(), user("I like tea. Also, what do I like?")]

    answers = {await said(http, *talk, temperature=temperature, seed=7) for temperature in (0, 0.7, 1.3)}

    assert answers == {"I like tea."}


def test_a_hundred_thousand_characters_are_answered_in_a_blink() -> None:
    text = f"{filler(600)} The cabin's wifi password is Otter-77. {filler(600, 9)}"
    messages = [Message(role="user", content="<p>\n" * 2000 + text + "\n\nWhat is the wifi password?")]

    started = time.perf_counter()
    found = answer(read(messages))
    seconds = time.perf_counter() - started

    assert len(text) > 100_000
    assert "Otter-77" in found
    assert seconds < 1  # about 40 ms; a quadratic scan takes many seconds
