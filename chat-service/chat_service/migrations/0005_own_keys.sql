-- Whether a call went by the user's own key, so that its provider's bill is theirs.
alter table ledger add column own_key integer not null default 0;
