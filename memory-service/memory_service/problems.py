"""Every way memory can refuse; the codes are API. Those of the chassis (401, 403, 404, 422 …) come on top."""

from chassis.problems import Conflict, NotFound, Unprocessable


class ConversationNotRemembered(NotFound):
    code = "conversation_not_remembered"
    detail = "Memory holds nothing of that conversation."


class InvalidEvent(Unprocessable):
    code = "invalid_event"
    detail = "The event's data does not have the agreed shape."


class ConversationOfAnother(Conflict):
    code = "conversation_of_another_owner"
    detail = "The event names another owner than the conversation has."
