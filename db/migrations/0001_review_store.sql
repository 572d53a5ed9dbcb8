-- No foreign keys: DuckDB refuses to update a row that is referenced (an update of a list column
-- is a delete and an insert), and items must be updatable when their authoritative file arrives
-- after the answers. The functions that add rows check what they refer to.

create table item (
    item_id varchar primary key,
    source varchar not null,
    question varchar not null,
    context struct(heading varchar, "text" varchar)[] not null,
    label_set varchar not null,
    labels varchar[] not null,
    options struct(label varchar, "text" varchar)[] not null,
    gold_label varchar,
    long_answer varchar not null,
    split varchar not null,
    metadata varchar not null,          -- a JSON object
    origin varchar not null,            -- the import format, or who made the item
    content_hash varchar not null,      -- SHA-256 of everything above but origin
    created_at timestamp not null       -- UTC, as every time here
);

create table run (
    run_id varchar primary key,
    name varchar not null,
    kind varchar not null,
    model varchar not null,
    settings varchar not null,          -- a JSON object
    metrics varchar not null,           -- a JSON object
    created_at timestamp not null,
    base_run_id varchar
);

create table prediction (
    run_id varchar not null,
    item_id varchar not null,
    answer varchar,
    answer_label varchar,               -- read by whoever made the run
    answer_form varchar,
    answer_start integer,
    answer_end integer,
    is_finished boolean not null,
    head_label varchar,
    head_probabilities double[],
    head_confidence double,             -- the largest probability: a scalar is ten times as fast to count
    head_margin double,                 -- the largest less the second largest
    prompt_tokens integer,
    answer_tokens integer,
    latency_seconds double,
    primary key (run_id, item_id)
);

-- What our own reader found in an answer, filled by code above this package.
create table answer_reading (
    run_id varchar not null,
    item_id varchar not null,
    label varchar,
    form varchar not null,
    start_index integer,
    end_index integer,
    is_finished boolean not null,
    reader_version varchar not null,
    primary key (run_id, item_id)
);

create table reviewer (
    reviewer_id varchar primary key,
    name varchar not null,
    role varchar not null,
    created_at timestamp not null
);

create sequence annotation_sequence;

create table annotation (
    annotation_id varchar primary key,
    annotation_number bigint not null default nextval('annotation_sequence'),  -- the order of arrival
    item_id varchar not null,
    reviewer_id varchar not null,
    label varchar,
    created_at timestamp not null,
    action varchar not null,
    origin varchar not null,
    run_id varchar,
    old_label varchar,
    old_answer varchar,
    answer varchar,
    note varchar not null,
    phase varchar not null,
    duration_seconds double,
    retracted_annotation_id varchar     -- for action 'retract': the annotation taken back
);

create sequence adjudication_sequence;

create table adjudication (
    adjudication_id varchar primary key,
    adjudication_number bigint not null default nextval('adjudication_sequence'),
    item_id varchar not null,
    reviewer_id varchar not null,
    label varchar not null,
    note varchar not null,
    created_at timestamp not null
);

create table training_run (
    run_id varchar primary key,
    preset varchar not null,
    settings varchar not null,          -- a JSON object
    created_at timestamp not null,
    created_by varchar not null,
    base_run_id varchar
);

create sequence training_state_sequence;

create table training_state (
    training_state_number bigint primary key default nextval('training_state_sequence'),
    run_id varchar not null,
    state varchar not null,
    message varchar not null,
    created_at timestamp not null
);

-- A reviewer's latest annotation on an item that was not taken back: at most one for each pair.
create view standing_annotation as
select annotation.*
from annotation
where action = 'label'
    and not exists (
        select 1 from annotation as retraction
        where retraction.retracted_annotation_id = annotation.annotation_id
    )
qualify row_number() over (
    partition by item_id, reviewer_id order by annotation_number desc
) = 1;

create view gold as
with agreement as (
    select item_id, min(label) as label, count(distinct label) as num_labels
    from standing_annotation
    where origin = 'review'
    group by item_id
),
decision as (
    select item_id, arg_max(label, adjudication_number) as label
    from adjudication
    group by item_id
)
select
    item.item_id,
    coalesce(
        decision.label,
        case when agreement.num_labels = 1 then agreement.label end,
        item.gold_label
    ) as label,
    case
        when decision.label is not null then 'adjudicated'
        when agreement.num_labels = 1 then 'agreed'
        when item.gold_label is not null then 'imported'
    end as origin,
    decision.label is null and coalesce(agreement.num_labels > 1, false) as conflicting,
    item.gold_label as imported_label
from item
left join agreement on agreement.item_id = item.item_id
left join decision on decision.item_id = item.item_id;

-- Predictions with the label and the form of their answer, from the run or else from our reader.
-- The reader's position is given only where it is the position of that label.
create view read_prediction as
select
    prediction.run_id,
    prediction.item_id,
    prediction.answer,
    coalesce(prediction.answer_label, answer_reading.label) as text_label,
    coalesce(prediction.answer_form, answer_reading.form) as text_form,
    case
        when prediction.answer_start is not null then prediction.answer_start
        when prediction.answer_label is null or prediction.answer_label = answer_reading.label
            then answer_reading.start_index
    end as text_start,
    case
        when prediction.answer_end is not null then prediction.answer_end
        when prediction.answer_label is null or prediction.answer_label = answer_reading.label
            then answer_reading.end_index
    end as text_end,
    prediction.is_finished and coalesce(answer_reading.is_finished, true) as is_finished,
    -- False for a run without texts, and until an answer has been read: not counted as wrong then.
    prediction.answer_label is not null
        or prediction.answer_form is not null
        or answer_reading.form is not null as has_text_outcome,
    prediction.head_label,
    prediction.head_probabilities,
    prediction.head_confidence,
    prediction.head_margin,
    prediction.prompt_tokens,
    prediction.answer_tokens,
    prediction.latency_seconds
from prediction
left join answer_reading
    on answer_reading.run_id = prediction.run_id and answer_reading.item_id = prediction.item_id;
