-- Events that this service owes its consumers. Written in the transaction of what happened, deleted when delivered.
create table outbox (
    sequence    integer primary key autoincrement,
    event_id    text    not null unique,
    consumer    text    not null,
    kind        text    not null,
    key         text    not null,             -- events of one key reach a consumer in order
    data        text    not null,             -- JSON
    created_at  real    not null,             -- seconds since the epoch
    tries       integer not null default 0,   -- how often the consumer refused it
    next_try_at real    not null default 0,
    parked_at   real,                         -- given up after too many refusals; kept to be shown
    refusal     text                          -- what the consumer last said
);
create index outbox_by_consumer on outbox (consumer, parked_at, sequence);
create index outbox_by_key on outbox (consumer, key, sequence);
