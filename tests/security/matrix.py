"""The table behind the matrix: a row for each operation that any service publishes."""

from uuid import uuid4

from .asks import Ask, Id, Of, Row, ask
from .people import PASSWORD

A_NEW_ID = Of(lambda _: f"user_{uuid4().hex}")
A_NEW_ADDRESS = Of(lambda _: f"{uuid4().hex}@example.com")
MY_ADDRESS = Of(lambda person: person.email)
MY_ID = Of(lambda person: person.id)
MY_REFRESH_TOKEN = Of(lambda person: person.tokens["refresh_token"])
A_FACT = Of(lambda _: f"Owns a boat called {uuid4().hex}.")
WORDS_OF_MINE = Of(lambda person: person.canary)
MY_CONVERSATION = {"conversation_id": Id("conversation")}
MY_RESPONSE = {"response_id": Id("response")}
MY_FILE = {"file_id": Id("file")}
MY_KEY = {"key_id": Id("key")}
MY_FACT = {"fact_id": Id("fact")}
MY_ACCOUNT = {"account": MY_ID}
QUESTION = {"role": "user", "content": "Hello."}
A_TURN = {"model": "deepthinks", "input": "Hello."}
A_COMPLETION = {"model": "deepthinks", "messages": [QUESTION]}
WITH_MY_FILE = {"role": "user", "content": [{"type": "input_file", "file_id": Id("file")}]}

OF_CALLS = {"body.input[].call_id": "the caller's own word, of a call in the same body or in a response before"}
# A client brings items under no id but its own words, and none that stands for another.
OF_BROUGHT_ITEMS = {
    "body.items[].id": "ignored; an item_reference is refused",
    "body.items[].call_id": "the caller's own word, of a call in the same body or in a response before",
}


# What only a mail, Google or a deleted account can give is made up: whoever may ask is told that it is not good.
MADE_UP = {"token": "x" * 43}

AUTH = {
    "auth.get_keys": ask(),
    "auth.check_credential": ask(Ask(answers=401)),
    "auth.enter_as_guest": ask(Ask(body={}, answers=201)),
    "auth.sign_up": ask(Ask(body={"email": A_NEW_ADDRESS, "password": PASSWORD, "username": "Eve"}, answers=201)),
    "auth.verify_email": ask(Ask(body=MADE_UP, answers=422)),
    "auth.resend_verification": ask(Ask(body={"email": A_NEW_ADDRESS}, answers=202)),
    "auth.log_in": ask(Ask(body={"email": MY_ADDRESS, "password": PASSWORD})),
    "auth.refresh": ask(Ask(body={"refresh_token": MY_REFRESH_TOKEN}, spends=True)),
    "auth.log_out": ask(Ask(body={"refresh_token": MY_REFRESH_TOKEN}, answers=204, spends=True)),
    "auth.get_me": ask(),
    "auth.change_me": ask(Ask(body={"username": "Eve"})),
    "auth.change_password": ask(
        Ask(body={"current_password": PASSWORD, "new_password": f"{PASSWORD} too"}, answers=204, spends=True)
    ),
    "auth.forgot_password": ask(Ask(body={"email": A_NEW_ADDRESS}, answers=202)),
    "auth.reset_password": ask(Ask(body={**MADE_UP, "new_password": PASSWORD}, answers=422)),
    "auth.change_email": ask(Ask(body={"email": A_NEW_ADDRESS, "password": PASSWORD}, spends=True)),
    "auth.confirm_email": ask(Ask(body=MADE_UP, answers=422)),
    "auth.list_sessions": ask(Ask(query={"after": Id("session")}, unknown=200)),
    "auth.delete_sessions": ask(Ask(answers=204, spends=True)),
    "auth.delete_session": ask(Ask({"session_id": Id("session")}, answers=204, spends=True)),
    "auth.create_api_key": ask(Ask(body={"name": "mine", "scopes": ["chat:read"]}, answers=201)),
    "auth.list_api_keys": ask(Ask(query={"after": Id("key")}, unknown=200)),
    "auth.get_api_key": ask(Ask(MY_KEY)),
    "auth.rename_api_key": ask(Ask(MY_KEY, body={"name": "changed"})),
    "auth.revoke_api_key": ask(Ask(MY_KEY, answers=204, spends=True)),
    "auth.begin_google_sign_in": ask(),
    "auth.sign_in_with_google": ask(Ask(body={"id_token": "x"}, answers=422)),
    "auth.link_google": ask(Ask(body={"id_token": "x", "password": PASSWORD}, answers=422)),
    "auth.unlink_google": ask(Ask(answers=204)),
    "auth.list_identities": ask(),
    "auth.delete_account": ask(Ask(body={"password": PASSWORD}, answers=202, spends=True)),
    "auth.get_deletion": ask(Ask(MADE_UP, answers=404)),
}

OPERATORS = {
    "auth.operator_create_account": ask(Ask(body={"email": A_NEW_ADDRESS, "username": "Eve"}, answers=201)),
    "auth.operator_show_account": ask(Ask(body=MY_ACCOUNT)),
    "auth.operator_disable_account": ask(Ask(body=MY_ACCOUNT, spends=True)),
    "auth.operator_enable_account": ask(Ask(body=MY_ACCOUNT)),
    "auth.operator_set_role": ask(Ask(body={**MY_ACCOUNT, "role": "operator"}, spends=True)),
    "auth.operator_revoke": ask(Ask(body=MY_ACCOUNT, spends=True)),
    "auth.operator_delete_account": ask(Ask(body=MY_ACCOUNT, answers=202, spends=True)),
    "auth.operator_invite": ask(Ask(body={}, answers=201)),
    "auth.operator_read_audit": ask(Ask(body=MY_ACCOUNT)),
}

OWNERS = {
    "merge_owner": ask(Ask(body={"owner": MY_ID, "into": A_NEW_ID}, spends=True)),
    "erase_owner": ask(Ask(body={"owner": MY_ID, "pseudonym": A_NEW_ID}, spends=True)),
}

CHAT = {
    "chat.list_conversations": ask(
        Ask(query={"after": Id("conversation")}),
        Ask(query={"after": Id("conversation"), "sort": "created"}, unknown=200),
    ),
    "chat.create_conversation": ask(
        Ask(body={"metadata": {"title": "mine"}}),
        Ask(body={"items": [WITH_MY_FILE, QUESTION]}),
        no_ids=OF_BROUGHT_ITEMS,
    ),
    "chat.retrieve_conversation": ask(Ask(MY_CONVERSATION)),
    "chat.update_conversation": ask(
        Ask(MY_CONVERSATION, body={"metadata": {"title": "changed"}}, spends=True),
        Ask(MY_CONVERSATION, body={"active_response_id": Id("response")}),
    ),
    "chat.delete_conversation": ask(Ask(MY_CONVERSATION, spends=True)),
    "chat.list_items": ask(Ask(MY_CONVERSATION), Ask(MY_CONVERSATION, query={"after": Id("item")})),
    "chat.create_items": ask(
        Ask(MY_CONVERSATION, body={"items": [QUESTION]}, spends=True),
        Ask(MY_CONVERSATION, body={"items": [WITH_MY_FILE, QUESTION]}, spends=True),
        no_ids=OF_BROUGHT_ITEMS,
    ),
    "chat.retrieve_item": ask(Ask({**MY_CONVERSATION, "item_id": Id("item")})),
    "chat.delete_item": ask(Ask({**MY_CONVERSATION, "item_id": Id("item")}, spends=True)),
    "chat.list_responses": ask(Ask(MY_CONVERSATION), Ask(MY_CONVERSATION, query={"after": Id("response")})),
    "chat.create_response": ask(
        Ask(body={**A_TURN, "conversation": Id("conversation")}),
        Ask(body={**A_TURN, "conversation": {"id": Id("conversation")}}),
        Ask(body={**A_TURN, "previous_response_id": Id("response")}),
        Ask(body={**A_TURN, "replaces": Id("response")}),
        Ask(body={**A_TURN, "input": [WITH_MY_FILE, QUESTION]}),
        Ask(
            body={
                **A_TURN,
                "input": [{"type": "item_reference", "id": Id("item")}, QUESTION],
            }
        ),
        Ask(body={**A_TURN, "stream": True, "conversation": Id("conversation")}),
        no_ids=OF_CALLS,
    ),
    "chat.retrieve_response": ask(Ask(MY_RESPONSE), Ask(MY_RESPONSE, query={"stream": "true"})),
    "chat.delete_response": ask(Ask(MY_RESPONSE, spends=True)),
    "chat.cancel_response": ask(Ask(MY_RESPONSE)),
    "chat.list_input_items": ask(Ask(MY_RESPONSE), Ask(MY_RESPONSE, query={"after": Id("item")})),
    "chat.create_chat_completion": ask(
        Ask(body=A_COMPLETION),
        Ask(body=A_COMPLETION, headers={"x-conversation-id": Id("conversation")}),
        Ask(body={**A_COMPLETION, "metadata": {"conversation_id": Id("conversation")}}),
        no_ids={
            "body.messages[].tool_call_id": "the caller's own word, of a message in the same body",
            "body.messages[].tool_calls[].id": "the same",
        },
    ),
    "chat.get_settings": ask(),
    "chat.change_settings": ask(Ask(body={"name": "Eve"})),
    "chat.get_provider_key": ask(),
    "chat.put_provider_key": ask(
        Ask(body={"key": "a-key-of-my-own"}, spends=True), no_ids={"body.key": "the caller's own key for the provider"}
    ),
    "chat.delete_provider_key": ask(Ask(spends=True)),
    "chat.create_embedding": ask(Ask(body={"model": "BAAI/bge-base-en-v1.5", "input": "Hello."})),
    "chat.retrieve_context": ask(Ask(MY_RESPONSE)),
    "chat.preview_context": ask(
        Ask(body={**A_TURN, "conversation": Id("conversation")}),
        Ask(body={**A_TURN, "conversation": {"id": Id("conversation")}}),
        Ask(body={**A_TURN, "previous_response_id": Id("response")}),
        Ask(body={**A_TURN, "replaces": Id("response")}),
        Ask(body={**A_TURN, "input": [WITH_MY_FILE, QUESTION]}),
        Ask(body={**A_TURN, "input": [{"type": "item_reference", "id": Id("item")}, QUESTION]}),
        no_ids=OF_CALLS,
    ),
    "chat.list_code_files": ask(Ask(MY_CONVERSATION), Ask(MY_CONVERSATION, query={"after": Id("code file")})),
    "chat.retrieve_code_file": ask(Ask({**MY_CONVERSATION, "file_id": Id("code file")})),
    "chat.download_code_file": ask(Ask({**MY_CONVERSATION, "file_id": Id("code file")})),
    "chat.list_models": ask(),
    "chat.retrieve_model": ask(Ask({"model_id": "deepthinks"}), no_ids={"path.model_id": "everybody's models"}),
}

MEMORY = {
    "memory.show_conversation_memory": ask(Ask(MY_CONVERSATION)),
    "memory.forget_conversation": ask(Ask(MY_CONVERSATION, spends=True)),
    "memory.search_memory": ask(Ask(query={"q": WORDS_OF_MINE, "conversation": Id("conversation")}, unknown=200)),
    "memory.forget_topic": ask(
        Ask(body={"topic": WORDS_OF_MINE, "conversation": Id("conversation"), "dry_run": True}),
        Ask(body={"topic": WORDS_OF_MINE, "conversation": Id("conversation")}, spends=True),
    ),
    "memory.list_facts": ask(
        Ask(query={"after": Id("fact")}, unknown=200), Ask(query={"conversation": Id("conversation")}, unknown=200)
    ),
    "memory.create_fact": ask(
        Ask(body={"text": A_FACT}, answers=201),
        Ask(body={"text": A_FACT, "replaces": Id("fact")}, answers=201, spends=True),
    ),
    "memory.retrieve_fact": ask(Ask(MY_FACT)),
    "memory.change_fact": ask(Ask(MY_FACT, body={"priority": 3})),
    "memory.delete_fact": ask(Ask(MY_FACT, spends=True)),
    "memory.approve_fact": ask(Ask(MY_FACT), Ask(MY_FACT, body={"replaces": Id("fact")})),
    "memory.reject_fact": ask(Ask(MY_FACT, spends=True)),
    "memory.undo_fact_change": ask(Ask(MY_FACT, spends=True)),
    "memory.list_fact_sources": ask(
        Ask(MY_FACT), no_ids={"query.after": "compared with the turns of the caller's own fact, and not looked up"}
    ),
    "memory.list_fact_changes": ask(Ask(MY_FACT)),
    "memory.get_memory_settings": ask(),
    "memory.change_memory_settings": ask(Ask(body={"facts_across_conversations": True})),
    "memory.compose_context": ask(
        Ask(
            body={
                "owner": MY_ID,
                **MY_CONVERSATION,
                "tail": [Id("response")],
                "query": WORDS_OF_MINE,
                "token_budget": 1000,
            },
            unknown=200,
        ),
    ),
    "memory.receive_events": ask(
        Ask(body={"events": [{"id": "e", "kind": "nothing.known", "key": "k", "created_at": 1.0, "data": {}}]}),
        no_ids={"body.events[].id": "chat's own word", "body.events[].key": "the same"},
    ),
}

FILES = {
    "files.list_files": ask(Ask(query={"after": Id("file")}, unknown=200)),
    "files.create_file": ask(Ask(form={"purpose": "user_data"})),
    "files.get_file": ask(Ask(MY_FILE)),
    "files.get_file_content": ask(Ask(MY_FILE)),
    "files.get_file_text": ask(Ask(MY_FILE)),
    "files.delete_file": ask(Ask(MY_FILE, spends=True)),
    "files.get_contents": ask(Ask(body={"owner": MY_ID, "file_ids": [Id("file")], "wait_seconds": 0})),
}

ANALYTICS = {
    "analytics.get_usage": ask(),
    "analytics.receive_events": MEMORY["memory.receive_events"],
}

# They hear from auth whose things become whose.
KEEPING_THINGS = ("chat", "memory", "files", "analytics")

REQUESTS: dict[str, Row] = {
    **AUTH,
    **OPERATORS,
    **CHAT,
    **MEMORY,
    **FILES,
    **ANALYTICS,
    **{f"{service}.{name}": row for service in KEEPING_THINGS for name, row in OWNERS.items()},
}
