-- What each call of the model cost. Rows outlive the conversation they were made for.
create table ledger (
    call_id          text    primary key,
    owner            text    not null,
    purpose          text    not null,
    conversation_id  text,
    response_id      text,
    key_id           text,
    mode             text,
    model            text    not null,
    input_tokens     integer not null,
    cached_tokens    integer not null,
    output_tokens    integer not null,
    reasoning_tokens integer not null,
    source           text    not null check (source in ('provider', 'estimated')),
    outcome          text    not null,
    created_at       integer not null,
    latency_ms       integer not null,
    first_token_ms   integer
);
create index ledger_by_owner on ledger (owner, created_at);
