-- Actions on many items at once. What they wrote lies where it always does; this says what belongs
-- together, so that one press takes it back.
create table bulk_action (
    batch_id varchar primary key,
    kind varchar not null,              -- head, text, retract, flag
    filter varchar not null,            -- a JSON object: the fields of ReviewFilter
    reviewer_id varchar not null,
    num_items bigint not null,
    created_at timestamp not null
);

create table bulk_item (
    batch_id varchar not null,
    item_id varchar not null,
    annotation_id varchar               -- what was appended, or for 'retract' what was taken back
);

create table bulk_undo (
    batch_id varchar primary key,
    reviewer_id varchar not null,
    created_at timestamp not null
);

-- Guidelines for reviewers; a version never changes, the latest one of a label set counts.
create sequence guideline_sequence;
create table guideline (
    guideline_number bigint primary key default nextval('guideline_sequence'),
    label_set varchar not null,         -- all: where a label set has none of its own
    body varchar not null,              -- Markdown; drawn as text that somebody else wrote
    reviewer_id varchar not null,
    created_at timestamp not null
);
