-- The label sets of this project: a version never changes, the latest one of a name counts. Sets that
-- came with items before this are known by the labels of their items alone.
create table label_set (
    name varchar not null,
    version integer not null,           -- from 1
    kind varchar not null,              -- single, ordinal, several
    labels struct(
        name varchar, short_name varchar, key varchar, definition varchar, synonyms varchar[], codes varchar[]
    )[] not null,
    moves struct(label varchar, moved_to varchar)[] not null,   -- labels of the version before; null: retired
    reason varchar not null,
    reviewer_id varchar,                -- null: an import
    created_at timestamp not null,
    primary key (name, version)
);

create view current_label_set as
select *
from label_set
qualify row_number() over (partition by name order by version desc) = 1;
