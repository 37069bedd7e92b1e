-- Accounts beyond a password: verified addresses, Google, API keys, guests who stay, accounts that go, and who did what.
alter table users add column email_verified_at integer;
alter table users add column picture     text;      -- address of an image, shown by front-ends, never fetched here
alter table users add column disabled_at integer;
alter table users add column merged_into text;      -- of a guest: the account that has everything it made
create index users_merged on users (merged_into) where merged_into is not null;
create index users_guests on users (id) where role = 'guest' and merged_into is null;

alter table sessions add column address text;       -- IPv4 address or IPv6 /64 it was last used from

-- Sign-ups that wait for their mail to be answered. Nobody can be kept out of an address by one of these.
create table pending_sign_ups (
    id            text    primary key,
    email         text    not null,
    username      text    not null,
    password_hash text    not null,
    created_at    integer not null,
    expires_at    integer not null
);
create index pending_sign_ups_by_email on pending_sign_ups (email, created_at);

-- What a link in a mail stands for; each is good once.
create table mail_tokens (
    hash       blob    primary key,                 -- SHA-256 of the token
    purpose    text    not null check (purpose in ('sign_up', 'verify_email', 'change_email', 'reset_password')),
    user_id    text    references users (id) on delete cascade,
    pending_id text    references pending_sign_ups (id) on delete cascade,
    session_id text,                                -- that asked for it, and outlives what it changes
    email      text    not null,                    -- the address that the mail went to
    expires_at integer not null
) without rowid;
create index mail_tokens_by_user on mail_tokens (user_id);
create index mail_tokens_by_pending on mail_tokens (pending_id);

-- Mails that are owed. The worker makes the token of a link when it sends it, so none lies here.
create table mails (
    id          text    primary key,
    kind        text    not null,
    email       text    not null,
    user_id     text    references users (id) on delete cascade,
    pending_id  text    references pending_sign_ups (id) on delete cascade,
    session_id  text,
    tries       integer not null default 0,
    next_try_at real    not null,
    created_at  real    not null
);
create index mails_by_time on mails (next_try_at);
create index mails_by_email on mails (email);
create index mails_by_user on mails (user_id);
create index mails_by_pending on mails (pending_id);

create table invitations (
    hash       blob    primary key,                 -- SHA-256 of the code
    email      text,                                -- whom it is for; null for whoever has the code
    created_at integer not null,
    expires_at integer not null,
    used_at    integer
) without rowid;

-- Who somebody is elsewhere: the pair of issuer and subject, never the e-mail address.
create table identities (
    id         text    not null unique,
    issuer     text    not null,
    subject    text    not null,
    user_id    text    not null references users (id) on delete cascade,
    email      text,                                -- as it was when it was linked, to be recognised in a list
    created_at integer not null,
    primary key (issuer, subject)
) without rowid;
create unique index identities_by_user on identities (user_id, issuer);

create table google_nonces (
    hash       blob    primary key,                 -- SHA-256 of the nonce
    expires_at integer not null
) without rowid;
create index google_nonces_by_time on google_nonces (expires_at);

-- ID tokens that were taken already; kept until they would expire.
create table spent_id_tokens (
    hash       blob    primary key,                 -- SHA-256 of what is signed
    expires_at integer not null
) without rowid;
create index spent_id_tokens_by_time on spent_id_tokens (expires_at);

create table api_keys (
    id           text    primary key,
    user_id      text    not null references users (id) on delete cascade,
    name         text    not null,
    scopes       text    not null,                  -- separated by spaces
    hash         blob    not null unique,           -- SHA-256 of the key
    last_four    text    not null,
    created_at   integer not null,
    expires_at   integer,
    last_used_at integer
);
create index api_keys_by_user on api_keys (user_id, id);

-- Guests that are merged into accounts, and accounts that are deleted: forward only, until every service has done its part.
create table sagas (
    id           text    primary key,
    kind         text    not null check (kind in ('merge', 'deletion')),
    owner        text    not null unique,           -- whose rows are given over or erased
    successor    text    not null,                  -- the account, or the pseudonym of what has to be kept
    token_hash   blob    unique,                    -- of the token that shows the receipt of a deletion
    created_at   integer not null,
    completed_at integer
);
create index sagas_giving on sagas (successor) where completed_at is null;
create table saga_steps (
    saga_id     text    not null references sagas (id) on delete cascade,
    service     text    not null,
    place       integer not null,                   -- steps of a place wait for those before
    tries       integer not null default 0,
    next_try_at real    not null,
    done_at     integer,
    counts      text,                               -- JSON: what the service gave over or erased
    primary key (saga_id, service)
) without rowid;
create index saga_steps_due on saga_steps (next_try_at) where done_at is null;

-- Append-only. Names nobody: the ids of a deleted account lead nowhere.
create table audit_log (
    id         text    primary key,
    at         integer not null,
    event      text    not null,
    user_id    text,                                -- whom it is about
    actor      text    not null,                    -- user, operator, system
    subject    text,                                -- id of the session, key or saga it is about
    address    text
);
create index audit_log_by_user on audit_log (user_id, id);
create trigger audit_log_is_never_changed before update on audit_log
begin
    select raise(abort, 'the audit log is append-only');
end;
create trigger audit_log_is_never_shortened before delete on audit_log
begin
    select raise(abort, 'the audit log is append-only');
end;
