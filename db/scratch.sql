-- Tables that outcome_store fills; in memory, beside the database file.

create table if not exists scratch.item (
    item_no integer not null,
    item_id varchar not null,
    source varchar not null,
    split varchar not null,
    label_set varchar not null,
    labels varchar[] not null,
    imported_label varchar,
    record_label varchar,
    record_origin varchar,
    year_range varchar,
    mesh varchar[],
    step varchar,
    question_type varchar not null,
    length_range varchar not null,
    num_options varchar not null
);

create table if not exists scratch.outcome (
    run_id varchar not null,
    item_no integer not null,
    has_text_outcome boolean not null,
    text_label varchar,
    text_form varchar,
    hedging varchar,
    head_label varchar,
    head_confidence double,
    head_probabilities double[],
    is_learned boolean not null,        -- the run's model has learned from the item
    unseen_basis varchar,               -- own, or as in table out_of_fold; null: only what was learned
    out_of_fold double[],               -- probabilities; null where the run's own are unseen
    answer_characters integer,
    characters_past integer,            -- after the span that decided the label
    answer_tokens integer
);

-- What each person says of each item at present.
create table if not exists scratch.annotation (
    item_no integer not null,
    name varchar not null,
    origin varchar not null,
    label varchar,
    duration_seconds double
);

create table if not exists scratch.version (
    part varchar not null,              -- items, gold, annotations, or the id of a run
    value varchar not null              -- what the tables behind it looked like when it was filled
);
