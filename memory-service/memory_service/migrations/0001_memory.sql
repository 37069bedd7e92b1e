-- The turns are the memory; episodes, facts and the index are made from them and can be made again.

create table conversations (
    id            text    primary key,
    owner         text    not null,
    active_branch integer,                     -- where its newest turn stands
    forgotten_at  real                         -- what was said until then was forgotten on purpose
) without rowid;
create index conversations_by_owner on conversations (owner);

-- Conversations that were deleted: late events of them change nothing.
create table tombstones (
    conversation_id text primary key,
    deleted_at      real not null
) without rowid;

-- A conversation is a tree of turns; a branch is a run of turns each the parent of the next.
create table branches (
    id              integer primary key,
    conversation_id text    not null references conversations (id),
    parent          integer references branches (id),
    parent_turn_id  text,                      -- the turn it continues from; may not have arrived yet
    fork_depth      integer not null,          -- depth of that turn; 0 at the root
    tip_depth       integer not null,
    folded_through  integer not null,          -- the fold pointer: deeper turns are the short-term buffer
    unfolded_turns  integer not null default 0,
    unfolded_tokens integer not null default 0,
    smoothed_tokens real    not null default 0 -- exponentially smoothed tokens of a turn
);
create index branches_by_conversation on branches (conversation_id);
create index branches_by_parent_turn on branches (parent_turn_id);

create table turns (
    number          integer primary key,
    id              text    not null unique,
    owner           text    not null,
    conversation_id text    not null references conversations (id),
    branch          integer not null references branches (id),
    depth           integer not null,          -- counts from 1 along the path
    status          text    not null,          -- completed, incomplete, cancelled, failed; forgotten: a husk without text
    remembered      integer not null,          -- 1: part of buffer, recall and facts
    user_text       text    not null,
    assistant_text  text    not null,
    file_ids        text    not null,          -- JSON
    model           text,
    tokens          integer not null,          -- prompt and answer
    created_at      real    not null,
    ended_at        real    not null,
    session_at      real    not null,          -- when the sitting began that this turn belongs to
    unique (branch, depth)
);
create index turns_by_conversation on turns (conversation_id, number);

-- What the index finds: a whole turn, or a piece of a long one. Offsets are characters of the turn's two texts.
create table passages (
    number         integer primary key,
    turn           integer not null references turns (number),
    user_from      integer not null,
    user_to        integer not null,
    assistant_from integer not null,
    assistant_to   integer not null
);
create index passages_by_turn on passages (turn);
create virtual table passages_fts using fts5 (
    user_text, assistant_text,
    scope,                                     -- one token for the owner, one for the conversation
    date,
    previous, before,                          -- the turn that came before it, and the one before that
    tokenize = 'porter unicode61 remove_diacritics 2'
);
insert into passages_fts (passages_fts, rank) values ('secure-delete', 1);

-- Summaries of runs of turns. Immutable; a merged one stands for those it covers without replacing their rows.
create table episodes (
    id              text    primary key,
    conversation_id text    not null references conversations (id),
    branch          integer not null references branches (id), -- the branch of its last turn
    level           integer not null,          -- 0: of turns; n: of episodes of level n - 1
    depth_from      integer not null,
    depth_to        integer not null,
    summary         text    not null,
    priority        integer not null,
    quote_turn_id   text,                      -- quoted from the user's words of that turn, by offsets
    quote_from      integer,
    quote_to        integer,
    tokens          integer not null,          -- of the summary
    happened_at     real    not null,          -- time of its last turn
    model           text    not null,
    input_tokens    integer,
    output_tokens   integer,
    created_at      real    not null,
    unique (branch, depth_to, level)
);
create index episodes_by_start on episodes (conversation_id, level, depth_from);

create table facts (
    id              text    primary key,
    owner           text    not null,
    conversation_id text    not null references conversations (id),
    branch          integer not null references branches (id), -- of its last source
    depth           integer not null,
    text            text    not null,
    kind            text    not null,
    priority        integer not null,
    status          text    not null,          -- proposed, active, pinned, rejected, forgotten
    valid_from      real    not null,
    valid_to        real,
    superseded_by   text references facts (id),
    edited_by       text,
    created_at      real    not null
);
create index facts_by_conversation on facts (conversation_id, status, priority desc);
create index facts_by_owner on facts (owner, status, priority desc);

-- Where a fact was said: offsets into the user's words of a turn.
create table fact_sources (
    fact_id    text    not null references facts (id) on delete cascade,
    turn_id    text    not null,
    quote_from integer not null,
    quote_to   integer not null,
    primary key (fact_id, turn_id)
) without rowid;
create index fact_sources_by_turn on fact_sources (turn_id);

-- Folds and merges owed. A row goes with the work that it asked for.
create table jobs (
    id              integer primary key autoincrement,
    conversation_id text    not null references conversations (id),
    branch          integer not null references branches (id),
    kind            text    not null,          -- fold, merge
    level           integer not null default 0, -- of the episodes that a merge reads
    depth_from      integer,                   -- the range a saved reply is about
    depth_to        integer,
    lease           text,                      -- who works on it
    lease_until     real    not null default 0,
    attempts        integer not null default 0,
    next_try_at     real    not null,
    failure         text,                      -- code of the last failure
    reply           text,                      -- raw, saved before it is looked at
    reply_model     text,
    input_tokens    integer,
    output_tokens   integer,
    created_at      real    not null,
    unique (branch, kind)
);
create index jobs_by_time on jobs (next_try_at);
create index jobs_by_conversation on jobs (conversation_id);
