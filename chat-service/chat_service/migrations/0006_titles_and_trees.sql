-- Where a title comes from: the first words, a model, or a person, which nothing else overwrites.
alter table conversations add column title_from     text;
alter table conversations add column title_searched text;  -- the title without the difference of capitals

-- The tree of a conversation is listed by age, with the first words of the user in each turn.
alter table responses add column preview text;
drop index responses_by_conversation;
create index responses_by_conversation on responses (conversation_id, id);

-- When something in it was last deleted: what was put together before is not to be kept any more.
alter table conversations add column revised_at real;
