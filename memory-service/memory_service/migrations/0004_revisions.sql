-- A turn that brings results of tools has no words of the user: it goes on with the exchange before it.
alter table turns add column opens integer not null default 1;

-- What was erased, and may stand in unused room of the file until that was written anew.
create table erasures (
    number    integer primary key autoincrement,
    erased_at real    not null
);
