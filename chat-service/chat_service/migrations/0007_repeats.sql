-- What a key made is given again as long as it is kept; the key itself outlives it, so that a repeat makes nothing anew.
create table idempotency_keys_of_anything (
    owner      text    not null,
    key        text    not null,
    body_hash  text    not null,       -- of the path and the body
    result_id  text    not null,       -- of a response or a conversation
    is_kept    integer not null,       -- 0: erased at its end
    created_at real    not null,
    primary key (owner, key)
) without rowid;
insert into idempotency_keys_of_anything (owner, key, body_hash, result_id, is_kept, created_at)
    select owner, key, body_hash, response_id, 1, created_at from idempotency_keys;
drop table idempotency_keys;
alter table idempotency_keys_of_anything rename to idempotency_keys;
create index idempotency_keys_by_age on idempotency_keys (created_at);
create index idempotency_keys_by_result on idempotency_keys (result_id);

-- The same request may have been sent more than once on purpose.
drop table recent_requests;
create table recent_requests (
    fingerprint text not null,         -- hash of credential, path and body
    response_id text not null references responses (id) on delete cascade,
    created_at  real not null,
    primary key (fingerprint, response_id)
) without rowid;
create index recent_requests_by_age on recent_requests (created_at);
create index recent_requests_by_response on recent_requests (response_id);
