-- The same rows as before from plans half the size: these views are planned for each key press.

create or replace view standing_annotation as
select annotation.*
from annotation
anti join (
    select retracted_annotation_id as annotation_id, item_id
    from annotation
    where action = 'retract'
) as retraction using (item_id, annotation_id)
where action = 'label'
qualify row_number() over (
    partition by item_id, reviewer_id order by annotation_number desc
) = 1;

create or replace view gold as
with agreement as (
    select item_id, min(label) as label, min(label) = max(label) as is_unanimous
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
        case when agreement.is_unanimous then agreement.label end,
        item.gold_label
    ) as label,
    case
        when decision.label is not null then 'adjudicated'
        when agreement.is_unanimous then 'agreed'
        when item.gold_label is not null then 'imported'
    end as origin,
    decision.label is null and coalesce(not agreement.is_unanimous, false) as conflicting,
    item.gold_label as imported_label
from item
left join agreement on agreement.item_id = item.item_id
left join decision on decision.item_id = item.item_id;
