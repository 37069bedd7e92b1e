-- What a conversation is to its owner, and what all its turns go by unless they say otherwise.
alter table conversations add column title        text;
alter table conversations add column archived_at  real;
alter table conversations add column pinned_at    real;
alter table conversations add column instructions text;    -- a system message of every turn in it
alter table conversations add column model        text;    -- a name as requests give it
create index conversations_by_activity on conversations (owner, updated_at, id);

-- The names by which other programs know a conversation, such as the ids of their own.
create table conversation_aliases (
    owner           text not null,
    alias           text not null,
    conversation_id text not null references conversations (id) on delete cascade,
    primary key (owner, alias)
) without rowid;
create index conversation_aliases_by_conversation on conversation_aliases (conversation_id);

-- A deleted turn stays as an empty node: what follows it keeps its place.
alter table responses add column deleted_at  real;
alter table responses add column continues   integer not null default 0;  -- 1: brings results of tools, no word of the user
alter table responses add column image_depth integer;                     -- depth of the newest turn with images up to here
alter table responses add column code        text;                         -- JSON: a structured answer
create index responses_by_parent on responses (parent_id);
create index responses_running_by_owner on responses (owner) where status = 'in_progress';

-- What exactly went to the model, compressed JSON; `responses.receipt` says what it is made of.
create table contexts (
    response_id text primary key references responses (id) on delete cascade,
    messages    blob not null
) without rowid;

-- The files of structured code answers; versions of a name count up within its conversation. What is in them stands in
-- `responses.code`, at their position.
create table code_files (
    id              text    primary key,
    conversation_id text    not null references conversations (id) on delete cascade,
    response_id     text    not null references responses (id) on delete cascade,
    position        integer not null,
    name            text    not null,
    version         integer not null,
    created_at      real    not null
);
create unique index code_files_by_name on code_files (conversation_id, name, version);
create index code_files_by_response on code_files (response_id, position);

create table user_settings (
    owner      text primary key,
    body       text not null,          -- JSON object
    updated_at real not null
) without rowid;

-- A user's own key for the provider, encrypted for that user alone.
create table provider_keys (
    owner      text primary key,
    ciphertext blob not null,          -- AES-256-GCM
    nonce      blob not null,
    salt       blob not null,          -- of the record's own key
    secret_id  text not null,          -- which of the server's secrets it was derived from
    last_four  text not null,
    created_at real not null
) without rowid;

-- How many turns a guest has had.
create table guest_turns (
    owner text    primary key,
    used  integer not null
) without rowid;

-- Requests of the last minute, to tell a client's own retry from a second request.
create table recent_requests (
    fingerprint text primary key,      -- hash of credential, path and body
    response_id text not null references responses (id) on delete cascade,
    created_at  real not null
) without rowid;
create index recent_requests_by_age on recent_requests (created_at);
create index recent_requests_by_response on recent_requests (response_id);
