-- Facts belong to their owner; where they were said is told by their sources alone.
create table kept_facts as select * from facts;
create table kept_sources as select * from fact_sources;
drop table fact_sources;
drop table facts;

create table facts (
    id            text    primary key,
    owner         text    not null,
    text          text    not null,
    wording       text    not null,            -- the text without what makes no difference: what is said again is found by it
    kind          text    not null,
    priority      integer not null,
    status        text    not null,            -- proposed, active, pinned, rejected, forgotten
    valid_from    real    not null,
    valid_to      real,                        -- since then another holds in its place, or none
    superseded_by text    references facts (id),
    edited_by     text,                        -- 'user': what a user wrote or settled is not changed by folds
    created_at    real    not null,
    updated_at    real    not null
);
insert into facts
select id, owner, text, rtrim(lower(text), '.!'), kind, priority, status, valid_from, valid_to, superseded_by, edited_by,
       created_at, created_at
  from kept_facts;
-- A context reads the first few of an owner's facts in force, in the order it wants them.
create index facts_in_force on facts (owner, (status = 'pinned') desc, priority desc, id desc)
 where status in ('active', 'pinned') and valid_to is null;
create index facts_by_owner on facts (owner, id);
create index facts_by_wording on facts (owner, wording, id);
create index facts_refused on facts (owner) where status in ('rejected', 'forgotten');
create index facts_by_successor on facts (superseded_by) where superseded_by is not null;

-- Where a fact was said: offsets into the user's words of a turn. One without any was written by the user.
create table fact_sources (
    fact_id    text    not null references facts (id) on delete cascade,
    turn_id    text    not null,
    quote_from integer not null,
    quote_to   integer not null,
    primary key (fact_id, turn_id)
) without rowid;
insert into fact_sources select fact_id, turn_id, quote_from, quote_to from kept_sources;
create index fact_sources_by_turn on fact_sources (turn_id);
drop table kept_sources;
drop table kept_facts;

-- What happened to a fact, so that a user can look it up and take it back.
create table fact_changes (
    number  integer primary key autoincrement,
    fact_id text    not null references facts (id) on delete cascade,
    at      real    not null,
    actor   text    not null,                  -- user, fold
    change  text    not null,                  -- created, edited, pinned, approved, superseded, ...
    before  text                               -- JSON of what the change replaced; null for created
);
create index fact_changes_by_fact on fact_changes (fact_id, number);

-- Facts that a user deleted do not come back: a salted hash of what they said.
create table fact_tombstones (
    number     integer primary key,
    owner      text    not null,
    salt       blob    not null,
    hash       blob    not null,
    deleted_at real    not null
);
create unique index fact_tombstones_by_hash on fact_tombstones (owner, salt, hash);

-- What a user chose about the memory; without a row the defaults hold.
create table preferences (
    owner                      text    primary key,
    facts_across_conversations integer not null default 1
) without rowid;

-- A saved reply calls known facts by their place in the prompt: JSON, the ids of those facts in that order.
alter table jobs add column known_facts text;
