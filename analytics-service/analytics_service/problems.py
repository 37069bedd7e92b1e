"""Every way analytics can refuse, beyond what the chassis already does."""

from chassis.problems import Unprocessable


class InvalidEvent(Unprocessable):
    code = "invalid_event"
    detail = "The event does not say what was used."


class InvalidPeriod(Unprocessable):
    code = "invalid_period"
    detail = "The period ends before it starts."
