-- Tables that scored_runs fills, and the gate that hides items; in memory, next to the database file.

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

-- The items that are hidden from a viewer, each with the queue that waits for their label; a queue
-- of null: the whole project does. viewer: Viewer.parameter of db/people/viewer.py. For a viewer
-- from whom nothing is hidden the plan is empty. No common table expression: where a limit ends its
-- reader early, DuckDB 2.0 waits for it for ever.
create macro if not exists scratch.waiting_item(viewer) as table
select item_id, queue_id
from queue_item
semi join (
    select unnest(struct_extract(viewer, 'blind_queues')::varchar[]) as queue_id
) as asking using (queue_id)
anti join (
    select item_id, queue_id
    from annotation
    anti join (
        select retracted_annotation_id as annotation_id
        from annotation
        where reviewer_id = struct_extract(viewer, 'reviewer_id') and action = 'retract'
    ) as taken_back using (annotation_id)
    where reviewer_id = struct_extract(viewer, 'reviewer_id') and action = 'label'
) as kept using (item_id, queue_id)
union all
select item_id, null
from every_item
anti join (
    select item_id
    from annotation
    anti join (
        select retracted_annotation_id as annotation_id
        from annotation
        where reviewer_id = struct_extract(viewer, 'reviewer_id') and action = 'retract'
    ) as taken_back using (annotation_id)
    where reviewer_id = struct_extract(viewer, 'reviewer_id') and action = 'label'
) as kept using (item_id)
anti join (
    select item_id
    from queue_item
    semi join (
        select unnest(struct_extract(viewer, 'open_queues')::varchar[]) as queue_id
    ) as open using (queue_id)
) as shown using (item_id)
where struct_extract(viewer, 'is_blind');

-- The same items alone: what gated statements join. An item may come twice.
create macro if not exists scratch.hidden_item(viewer) as table
select item_id from scratch.waiting_item(viewer);

-- Whether the name of a judgement's reviewer is hidden from a viewer: an adjudicator must not know
-- whose judgement it is until the item is adjudicated.
create macro if not exists scratch.hides_name(viewer, of_item, by_reviewer) as
    struct_extract(viewer, 'hides_names')
    and by_reviewer is distinct from struct_extract(viewer, 'reviewer_id')
    and of_item not in (select item_id from standing_adjudication);

-- One row of current_reviewer, which sums up the changes of all: this is asked at every save.
create macro if not exists scratch.reviewer_now(of_reviewer) as table
select
    reviewer_id, coalesce(new_name, name) as name, coalesce(latest.role, role) as role,
    latest.email as email, origin, latest.issuer as issuer, latest.merged_into as merged_into
from reviewer
left join (
    select
        arg_max(
            {'role': role, 'email': email, 'issuer': issuer, 'merged_into': merged_into},
            reviewer_change_number
        ) as latest,
        arg_max(name, reviewer_change_number) as new_name
    from reviewer_change
    where reviewer_id = of_reviewer
) on true
where reviewer_id = of_reviewer;

-- Queues as they are now: the people named last, those of them who may still label (present_ids), and
-- whether it is closed. Where fewer are present than label each item, a queue is open to all: nobody's
-- leaving strands items. labelling_roles: the roles that may label.
create macro if not exists scratch.queue_now(labelling_roles) as table
select
    queue.* exclude (reviewer_ids),
    coalesce(change.reviewer_ids, queue.reviewer_ids) as reviewer_ids,
    list_filter(
        coalesce(change.reviewer_ids, queue.reviewer_ids),
        lambda one: list_contains(labelling.reviewer_ids, one)
    ) as present_ids,
    coalesce(change.is_closed, false) as is_closed
from queue
left join (
    select
        queue_id,
        from_json(
            arg_max(new_value, event_number) filter (where action = 'set_queue_people'),
            '["varchar"]'
        ) as reviewer_ids,
        arg_max(action, event_number) filter (where action <> 'set_queue_people') = 'close_queue'
            as is_closed
    from review_event
    where action in ('set_queue_people', 'close_queue', 'reopen_queue')
    group by queue_id
) as change using (queue_id)
cross join (
    select coalesce(list(reviewer_id), []) as reviewer_ids
    from current_reviewer
    where origin = 'person' and list_contains(labelling_roles, role)
) as labelling;

-- What takes back each annotation that is kept, in the name of who had said it, as every retraction is; an
-- id and a time are for who stores it. said_number: for their order.
create macro if not exists scratch.retraction() as table
select
    said.annotation_number as said_number,
    said.annotation_id as retracted_annotation_id,
    said.item_id,
    said.reviewer_id,
    'retract' as action,
    said.origin,
    said.run_id,
    gold.label as old_label,
    said.answer as old_answer,
    '' as note,
    said.phase,
    said.queue_id,
    said.item_version
from kept_annotation as said
join gold on gold.item_id = said.item_id;
