-- What was said. A conversation is a tree of responses (turns); the active branch is the path from the tip to the root.
create table conversations (
    id         text primary key,
    owner      text not null,
    metadata   text not null,          -- JSON object
    tip_id     text,                   -- newest response of the active branch
    created_at real not null,          -- seconds since the epoch, as everywhere here
    updated_at real not null
);
create index conversations_by_owner on conversations (owner, id);

-- One turn: what was asked for, and how it ended. A failed response never has children.
create table responses (
    id                text    primary key,
    owner             text    not null,
    conversation_id   text    references conversations (id) on delete cascade,
    parent_id         text,                       -- the turn this one follows
    depth             integer not null,           -- from 1
    status            text    not null check (status in ('in_progress', 'completed', 'incomplete', 'cancelled', 'failed')),
    model             text    not null,           -- as asked for
    mode              text,
    model_id          text    not null,           -- what the provider is asked for
    stored            integer not null,           -- 0: erased at its end
    key_id            text,                       -- the API key it came through
    runner            text    not null,           -- the boot of the process that generates it
    request           text    not null,           -- JSON: the parameters that the response repeats
    receipt           text,                       -- JSON: what went to the model
    error             text,                       -- JSON
    incomplete_reason text,
    usage             text,                       -- JSON
    has_log           integer not null default 1, -- whether its stream events are still kept
    created_at        real    not null,
    ended_at          real
);
create index responses_by_conversation on responses (conversation_id);
create index responses_running on responses (runner) where status = 'in_progress';
create index responses_with_log on responses (ended_at) where has_log = 1;

-- What went in and what came out, in OpenAI's shape of an item.
create table items (
    id          text    primary key,
    response_id text    not null references responses (id) on delete cascade,
    position    integer not null,
    origin      text    not null check (origin in ('input', 'output')),
    body        text    not null                  -- JSON
);
create unique index items_by_response on items (response_id, position);

-- The append-only event log: each row is one server-sent event, byte for byte as every reader gets it.
create table stream_events (
    response_id text    not null references responses (id) on delete cascade,
    sequence    integer not null,
    frame       blob    not null,
    primary key (response_id, sequence)
) without rowid;

create table idempotency_keys (
    owner       text not null,
    key         text not null,
    body_hash   text not null,
    response_id text not null references responses (id) on delete cascade,
    created_at  real not null,
    primary key (owner, key)
) without rowid;
create index idempotency_keys_by_age on idempotency_keys (created_at);
create index idempotency_keys_by_response on idempotency_keys (response_id);
