-- What the provider counted of the prompts that went to a summariser, against our estimate of them; older ones fade.
create table calibrations (
    model     text    primary key,
    estimated real    not null,                -- tokens
    counted   real    not null
) without rowid;
