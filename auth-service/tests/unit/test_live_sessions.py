"""What may be remembered of a session, and what must never be remembered wrongly."""

from auth_service.live_sessions import ENDED, LiveSessions


def test_what_a_read_found_before_the_end_does_not_bring_a_session_back() -> None:
    live = LiveSessions()
    live.end("sess_1")

    held = live.learn("sess_1", 1000)

    assert (held, live.expires_at("sess_1")) == (ENDED, ENDED)


def test_the_oldest_are_forgotten_beyond_the_limit() -> None:
    live = LiveSessions(limit=2)
    for session_id in ("sess_1", "sess_2", "sess_1", "sess_3"):
        live.learn(session_id, 1000)

    assert [live.expires_at(session_id) for session_id in ("sess_1", "sess_2", "sess_3")] == [1000, None, 1000]
