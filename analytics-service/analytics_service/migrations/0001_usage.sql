-- One row for each model call, as chat's ledger reported it; everything else here can be rebuilt from it.
create table usage_events (
    call_id          text    primary key,
    owner            text    not null,
    purpose          text    not null,
    conversation_id  text,
    response_id      text,
    key_id           text,                  -- the API key that paid for it
    mode             text,
    model            text    not null,
    input_tokens     integer not null,
    cached_tokens    integer not null,      -- part of input_tokens
    output_tokens    integer not null,
    reasoning_tokens integer not null,      -- part of output_tokens
    source           text    not null,      -- provider | estimated
    outcome          text    not null,
    created_at       real    not null,      -- seconds since the epoch
    latency_ms       real    not null,
    first_token_ms   real
) without rowid;
create index usage_events_by_owner on usage_events (owner, created_at);

-- Their sums by hour, kept in the transaction of the event.
create table usage_hours (
    owner            text    not null,
    hour             integer not null,      -- hours since the epoch
    model            text    not null,
    conversation_id  text    not null,      -- '' for none, so that it can be part of the key
    calls            integer not null,
    input_tokens     integer not null,
    cached_tokens    integer not null,
    output_tokens    integer not null,
    reasoning_tokens integer not null,
    estimated_calls  integer not null,
    primary key (owner, hour, model, conversation_id)
) without rowid;
