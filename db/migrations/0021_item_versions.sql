-- Items corrected after their import, and items set aside. What was imported stays as it was; every
-- statement reads the views "item" and "prediction", which have the names that the tables had.

alter table item rename to imported_item;

create table item_version (
    item_id varchar not null,
    version integer not null,           -- from 2; version 1 is what was imported
    source varchar not null,
    question varchar not null,
    context struct(heading varchar, "text" varchar)[] not null,
    label_set varchar not null,
    labels varchar[] not null,
    options struct(label varchar, "text" varchar)[] not null,
    gold_label varchar,
    long_answer varchar not null,
    split varchar not null,
    metadata varchar not null,
    changes_sense boolean not null,     -- what was said of earlier versions does not hold for this one
    reason varchar not null,
    reviewer_id varchar not null,
    created_at timestamp not null,
    primary key (item_id, version)
);

create sequence set_aside_sequence;
create table set_aside (
    set_aside_number bigint primary key default nextval('set_aside_sequence'),
    item_id varchar not null,
    is_set_aside boolean not null,      -- false brings it back
    reason varchar not null,
    reviewer_id varchar not null,
    created_at timestamp not null
);

create view set_aside_item as
select
    item_id,
    arg_max(reason, set_aside_number) as reason,
    arg_max(reviewer_id, set_aside_number) as reviewer_id,
    max(created_at) as created_at
from set_aside
group by item_id
having arg_max(is_set_aside, set_aside_number);

-- Every version of every item.
create view item_history as
select
    item_id, source, question, context, label_set, labels, options, gold_label, long_answer, split,
    metadata, 1 as version
from imported_item
union all
select
    item_id, source, question, context, label_set, labels, options, gold_label, long_answer, split,
    metadata, version
from item_version;

-- Every item in its latest version, those that were set aside too.
create view every_item as
select
    imported_item.item_id,
    imported_item.source,
    case when later.version is null then imported_item.question else later.question end as question,
    case when later.version is null then imported_item.context else later.context end as context,
    case when later.version is null then imported_item.label_set else later.label_set end as label_set,
    case when later.version is null then imported_item.labels else later.labels end as labels,
    case when later.version is null then imported_item.options else later.options end as options,
    case when later.version is null then imported_item.gold_label else later.gold_label end as gold_label,
    case when later.version is null then imported_item.long_answer else later.long_answer end as long_answer,
    case when later.version is null then imported_item.split else later.split end as split,
    imported_item.metadata,
    imported_item.origin,
    concat_ws('/', imported_item.content_hash, later.version) as content_hash,
    imported_item.created_at,
    imported_item.rowid as arrival,     -- rises with the order of arrival
    coalesce(later.version, 1) as version
from imported_item
left join (
    from item_version
    qualify row_number() over (partition by item_id order by version desc) = 1
) as later on later.item_id = imported_item.item_id;

create view item as
from every_item anti join set_aside_item using (item_id);

create view sense_change as
select item_id, max(version) as version from item_version where changes_sense group by item_id;

-- The versions later than the first that a snapshot froze.
create table snapshot_item_version (
    snapshot_id varchar not null,
    item_id varchar not null,
    version integer not null,
    primary key (snapshot_id, item_id)
);

-- The versions later than the first that a run learned from, showed as a shot or answered.
create table seen_version (
    run_id varchar not null,
    item_id varchar not null,
    version integer not null,
    primary key (run_id, item_id)
);

-- A table with an index cannot be renamed.
drop index prediction_of_item;
alter table prediction rename to stored_prediction;
create index prediction_of_item on stored_prediction (item_id);

-- Without what was answered to a version of another sense, which may have had other labels.
create view prediction as
select stored_prediction.*
from stored_prediction
left join sense_change on sense_change.item_id = stored_prediction.item_id
left join seen_version
    on seen_version.run_id = stored_prediction.run_id
    and seen_version.item_id = stored_prediction.item_id
where sense_change.version is null or coalesce(seen_version.version, 1) >= sense_change.version;

drop index annotation_of_item;
alter table annotation add column item_version integer default 1;
create index annotation_of_item on annotation (item_id);
alter table adjudication add column item_version integer default 1;

-- Decisions on a version of the sense that the item has now.
create view standing_adjudication as
select adjudication.*
from adjudication
left join sense_change on sense_change.item_id = adjudication.item_id
where sense_change.version is null or adjudication.item_version >= sense_change.version;

-- Views over every column of annotation hold the columns that it had.
create or replace view kept_annotation as
select annotation.*
from annotation
anti join (
    select retracted_annotation_id as annotation_id, item_id
    from annotation
    where action = 'retract'
) as retraction using (item_id, annotation_id)
where action = 'label';

create or replace view standing_annotation as
select *
from kept_annotation
qualify row_number() over (
    partition by item_id, reviewer_id order by annotation_number desc
) = 1;

create or replace view phase_annotation as
select *
from kept_annotation
qualify row_number() over (
    partition by item_id, reviewer_id, phase order by annotation_number desc
) = 1;

create or replace view gold as
with agreement as (
    select
        item_id,
        min(label) as label,
        -- Lists are slow to compare: only those that are not one label are.
        coalesce(min(label) = max(label), true)
        and (
            count(label) = count(*)
            or (count(label) = 0 and min(other_labels) = max(other_labels))
        ) as is_unanimous
    from (
        select
            item_id, label, case when label is null then array_to_string(labels, chr(31)) end as other_labels
        from standing_annotation
        where origin = 'review'
    )
    group by item_id
),
decision as (
    select item_id, arg_max(label, adjudication_number) as label
    from standing_adjudication
    group by item_id
)
select
    item.item_id,
    coalesce(
        decision.label,
        case when agreement.is_unanimous then agreement.label end,
        item.gold_label
    ) as label,
    case
        when decision.label is not null then 'adjudicated'
        when agreement.is_unanimous and agreement.label is not null then 'agreed'
        when item.gold_label is not null then 'imported'
    end as origin,
    decision.label is null and coalesce(not agreement.is_unanimous, false) as conflicting,
    item.gold_label as imported_label
from every_item as item
left join agreement on agreement.item_id = item.item_id
left join decision on decision.item_id = item.item_id;

-- What a person changed: a standing annotation with another label than the imported one or with a
-- corrected text, or an adjudication.
create or replace view correction as
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
from standing_adjudication as adjudication
join item on item.item_id = adjudication.item_id;
