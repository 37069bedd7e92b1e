-- What the provider counted of the prompts that went to a model, against our estimate of them; older ones fade.
create table calibrations (
    model     text    primary key,     -- the provider's name of one that the file of models describes
    estimated real    not null,        -- tokens
    counted   real    not null
) without rowid;
