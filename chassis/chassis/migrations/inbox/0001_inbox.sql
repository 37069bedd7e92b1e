-- Events that have taken effect here, written in the transaction of their effect: a second delivery changes nothing.
create table inbox (
    event_id    text primary key,
    received_at real not null
) without rowid;
create index inbox_by_time on inbox (received_at);
