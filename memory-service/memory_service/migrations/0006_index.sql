-- The index anew: stems of the words of a passage alone, each with its owner's number before it, so that a search reads
-- what its owner said and nothing else. A passage's rowid says where its turn stands (stores/passages.py).
drop table passages_fts;
drop table passages;

create table index_owners (
    number   integer primary key autoincrement, -- never given to another
    owner    text    not null unique,
    turns    integer not null,                  -- how many of the owner's are in the index
    passages integer not null
);
create table passages (
    number         integer primary key,        -- rowid in passages_fts
    user_from      integer not null,
    user_to        integer not null,
    assistant_from integer not null,
    assistant_to   integer not null
);
create virtual table passages_fts using fts5 (
    user_text, assistant_text, date, detail = column, tokenize = 'ascii'
);
insert into passages_fts (passages_fts, rank) values ('secure-delete', 1);

-- Turns that have yet to be put into the index.
create table unindexed (turn integer primary key);
insert into unindexed select number from turns where remembered = 1;

-- Numbers of passages that are gone, whose words have yet to leave the index.
create table leftovers (
    number integer primary key,
    branch integer not null,                   -- whose id no other branch may have until then
    first  integer not null,
    last   integer not null
);
