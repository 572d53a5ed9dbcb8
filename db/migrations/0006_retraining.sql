-- What retraining leaves behind: vetoes, lineage, the model registry, policies, energy.
-- As everywhere, what people do is appended and "current" is a view.

create sequence record_veto_sequence;

create table record_veto (
    record_veto_number bigint primary key default nextval('record_veto_sequence'),
    item_id varchar not null,
    num_shots integer,                  -- null: the item altogether, as a record and as a shot
    is_vetoed boolean not null,         -- false takes an earlier veto back
    note varchar not null,
    reviewer_id varchar not null,
    created_at timestamp not null
);

create view standing_veto as
select * from record_veto
qualify is_vetoed and row_number() over (
    partition by item_id, num_shots order by record_veto_number desc
) = 1;

-- What a person changed: a standing annotation with another label than the imported one or with a
-- corrected text, or an adjudication.
create view correction as
select
    annotation.annotation_id as correction_id, 'annotation' as kind, annotation.item_id,
    annotation.reviewer_id, item.gold_label as old_label, annotation.label,
    annotation.answer is not null as has_text, annotation.note, annotation.created_at
from standing_annotation as annotation
join item on item.item_id = annotation.item_id
where annotation.origin = 'review'
    and (annotation.label is distinct from item.gold_label or annotation.answer is not null)
union all
select
    adjudication_id, 'adjudication', adjudication.item_id, adjudication.reviewer_id,
    item.gold_label, adjudication.label, false, adjudication.note, adjudication.created_at
from adjudication
join item on item.item_id = adjudication.item_id;

-- The corrections that a snapshot froze. Equal content has an equal snapshot_id, so one row each.
create table snapshot_correction (
    snapshot_id varchar not null,
    correction_id varchar not null,
    item_id varchar not null,
    primary key (snapshot_id, correction_id)
);

-- The records that a run learned from or held out.
create table training_record (
    run_id varchar not null,
    item_id varchar not null,
    num_shots integer not null,
    option_order integer not null,      -- 0: the item's own; others are augmented
    fold varchar not null,              -- train or dev
    shot_item_ids varchar[] not null
);

create view current_training_run as
with latest as (
    select
        run_id,
        arg_max(state, training_state_number) as state,
        arg_max(message, training_state_number) as message
    from training_state
    group by run_id
)
select
    training_run.run_id, preset, latest.state, settings, created_at, created_by, base_run_id,
    latest.message,
    json_extract_string(settings, '$.task') as task,
    json_extract_string(settings, '$.snapshot_id') as snapshot_id
from training_run
join latest on latest.run_id = training_run.run_id;

-- A model is the artifact of a training run; its version never changes.
create table model_version (
    version integer primary key,
    run_id varchar not null unique,
    created_by varchar not null,
    created_at timestamp not null
);

create sequence model_alias_sequence;

create table model_alias (
    model_alias_number bigint primary key default nextval('model_alias_sequence'),
    alias varchar not null,             -- champion, challenger
    version integer,                    -- null: no model has it from here on
    action varchar not null,            -- register, choose, promote, roll back
    reason varchar not null,
    gate varchar not null,              -- a JSON object: what the gate said at that moment
    reviewer_id varchar not null,
    created_at timestamp not null
);

create view current_model_alias as
select alias, version from model_alias
qualify row_number() over (partition by alias order by model_alias_number desc) = 1;

create sequence trigger_policy_sequence;

create table trigger_policy (
    trigger_policy_number bigint primary key default nextval('trigger_policy_sequence'),
    policy varchar not null,            -- a JSON object
    reviewer_id varchar not null,
    created_at timestamp not null
);

create table run_energy (
    run_id varchar primary key,
    energy_kwh double not null,
    emissions_kg double not null,       -- CO2 equivalent
    duration_seconds double not null,
    country varchar not null,           -- ISO 3166, three letters
    is_estimated boolean not null,      -- from the processor's nominal power, not measured
    num_corrections integer not null    -- items in its snapshot that people had corrected
);
