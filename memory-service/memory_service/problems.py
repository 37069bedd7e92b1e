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


class FactNotFound(NotFound):
    code = "fact_not_found"
    detail = "There is no such fact."


class FactSuperseded(Conflict):
    code = "fact_superseded"
    detail = "Another fact has taken its place: undo what happened to this one, or delete the other."


class FactNotInForce(Conflict):
    code = "fact_not_in_force"
    detail = "Only a fact in force can be replaced."


class FactChangeNotUndoable(Conflict):
    code = "fact_change_not_undoable"
    detail = "Nothing has happened to this fact that could be taken back."


class TopicSaysNothing(Unprocessable):
    code = "topic_says_nothing"
    detail = "The topic needs a word that says something."


class TopicTooBroad(Conflict):
    code = "topic_too_broad"
    detail = "Too many turns are on that topic; name it with more words, or one conversation at a time."


class TooManyFacts(Conflict):
    code = "too_many_facts"
    detail = "Memory holds as many facts as it keeps for one user; delete some first."
