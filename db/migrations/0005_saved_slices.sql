-- Filters of the Errors page kept by name; the latest row of a name counts, an empty filter drops it.

create sequence saved_slice_sequence;

create table saved_slice (
    saved_slice_number bigint primary key default nextval('saved_slice_sequence'),
    name varchar not null,
    selection varchar not null,         -- a JSON object: the conditions of db.outcome_filter.Selection
    saved_by varchar,                   -- a reviewer
    created_at timestamp not null
);
