create table images (
    file_id    text primary key references files (id) on delete cascade,
    media_type text    not null,
    width      integer not null,
    height     integer not null
) strict;
