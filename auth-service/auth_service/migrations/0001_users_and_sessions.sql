create table users (
    id            text    primary key,
    role          text    not null check (role in ('user', 'guest', 'operator')),
    email         text    unique,   -- normalised; null for guests
    username      text,
    password_hash text,             -- argon2id in PHC form; null where no password was set
    created_at    integer not null
);

create table sessions (
    id           text    primary key,
    user_id      text    not null references users (id) on delete cascade,
    family_key   blob    not null,  -- sealed; proves refresh tokens of this session
    counter      integer not null,  -- of the one refresh token that is good now
    rotated_at   integer not null,
    user_agent   text,
    created_at   integer not null,
    last_used_at integer not null,
    expires_at   integer not null,
    ended_at     integer,
    ended_reason text               -- signed_out or reused
);

create index sessions_by_user on sessions (user_id);
