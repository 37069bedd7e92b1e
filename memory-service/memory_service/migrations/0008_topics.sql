-- Turns that have texts and are not in the index: what is forgotten by its words is looked for there too.
create index turns_kept_aside on turns (owner) where remembered = 0 and (user_text <> '' or assistant_text <> '');

-- What was forgotten by topic, as salted hashes of its words, so that turns from before that arrive late stay forgotten.
create table forgotten_topics (
    number          integer primary key,
    owner           text    not null,
    conversation_id text,                      -- null: wherever it was said
    salt            blob    not null,
    words           text    not null,          -- JSON: for each word the hashes of the stems it may have
    forgotten_at    real    not null
);
create index forgotten_topics_by_owner on forgotten_topics (owner, forgotten_at);
create index forgotten_topics_by_age on forgotten_topics (forgotten_at);
