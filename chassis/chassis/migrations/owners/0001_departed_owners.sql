-- Owners whose rows are not theirs any more. Rows stay: a late event must find where they went.
create table departed_owners (
    owner       text primary key,
    reason      text not null check (reason in ('merged', 'erased')),
    successor   text not null,          -- the account it was merged into, or the pseudonym of what had to be kept
    counts      text not null,          -- JSON: how many rows of what were given over or erased
    departed_at real not null,
    scrubbed_at real                    -- when no page held a copy of the erased rows any more
) without rowid;
