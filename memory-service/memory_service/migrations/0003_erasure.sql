-- Deleting a row looks for those that refer to it: without these, for each deleted one through the whole table.
create index branches_by_parent on branches (parent) where parent is not null;
create index facts_by_branch on facts (branch);
create index facts_by_successor on facts (superseded_by) where superseded_by is not null;
