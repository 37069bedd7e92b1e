-- Calls have several purposes; how many of them answered a turn is counted beside them.
alter table usage_hours add column turns integer not null default 0;
update usage_hours
   set turns = (select count(*) from usage_events as call
                 where call.owner = usage_hours.owner and call.purpose = 'turn' and call.model = usage_hours.model
                   and coalesce(call.conversation_id, '') = usage_hours.conversation_id
                   and call.created_at >= usage_hours.hour * 3600 and call.created_at < (usage_hours.hour + 1) * 3600);
