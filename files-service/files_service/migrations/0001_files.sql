create table files (
    id          text primary key,
    owner       text    not null,
    filename    text    not null,
    purpose     text    not null,
    media_type  text    not null,
    bytes       integer not null,
    sha256      text    not null,
    created_at  integer not null,
    state       text    not null default 'uploaded' check (state in ('uploaded', 'processing', 'ready', 'failed')),
    tries       integer not null default 0,
    lease_until integer not null default 0,
    pages       integer,
    tokens      integer,
    truncated   integer not null default 0,
    error_code  text,
    settled_at  integer
) strict;

create index files_of_owner on files (owner, id);
create index files_waiting on files (id, lease_until) where state in ('uploaded', 'processing');

create table texts (
    file_id text primary key references files (id) on delete cascade,
    text    text not null
) strict;
