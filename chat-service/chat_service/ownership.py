"""What is a user's own: found, or refused. A foreign one is refused as if it were not there."""

from chassis.database import Transaction
from chat_service.problems import ConversationNotFound, ResponseNotFound
from chat_service.stores.conversations import Conversations, StoredConversation
from chat_service.stores.responses import Responses, StoredResponse


def owned_conversation(tx: Transaction, owner: str, conversation_id: str) -> StoredConversation:
    """The owner's conversation. Raises `ConversationNotFound`."""
    conversation = Conversations(tx).find(owner, conversation_id)
    if conversation is None:
        raise ConversationNotFound()
    return conversation


def owned_response(tx: Transaction, owner: str, response_id: str, param: str = "response_id") -> StoredResponse:
    """The owner's response. Raises `ResponseNotFound`, for a deleted one too."""
    response = Responses(tx).find(owner, response_id)
    if response is None:
        raise ResponseNotFound(param=param)
    return response
