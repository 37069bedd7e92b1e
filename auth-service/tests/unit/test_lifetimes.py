"""What may be remembered of a session or key, and what must never be remembered wrongly."""

from auth_service.lifetimes import ENDED, Lifetimes


def test_what_a_read_found_before_the_end_does_not_bring_a_session_back() -> None:
    known = Lifetimes()
    known.end("sess_1")

    held = known.learn("sess_1", 1000)

    assert (held, known.until("sess_1")) == (ENDED, ENDED)


def test_the_oldest_are_forgotten_beyond_the_limit() -> None:
    known = Lifetimes(limit=2)
    for session_id in ("sess_1", "sess_2", "sess_1", "sess_3"):
        known.learn(session_id, 1000)

    assert [known.until(session_id) for session_id in ("sess_1", "sess_2", "sess_3")] == [1000, None, 1000]
