-- All that an owner has is given to another, or erased, at once.
create index responses_by_owner on responses (owner);
