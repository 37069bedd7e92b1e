-- A turn's context reads the first few of a conversation's facts: in the order it wants them, and no one else's.
create index facts_in_force on facts (conversation_id, owner, (status = 'pinned') desc, priority desc, id desc)
 where status in ('active', 'pinned') and valid_to is null;
