-- One item of the view "gold": the same rule over one item's annotations, which the index finds. The
-- view takes 8 ms for it at 100,000 annotations, this 2 ms, and it is read at each key press.
with said as materialized (
    select * from annotation where item_id = $item_id
),
standing as (
    select label, labels, origin
    from said
    where action = 'label'
        and annotation_id not in (
            select retracted_annotation_id from said where action = 'retract'
        )
    qualify row_number() over (partition by reviewer_id order by annotation_number desc) = 1
),
agreement as (
    select
        min(label) as label,
        count(*) > 0 as is_reviewed,
        coalesce(min(label) = max(label), true)
        and (
            count(label) = count(*)
            or (count(label) = 0 and count(distinct labels) = 1)
        ) as is_unanimous
    from standing
    where origin = 'review'
),
decision as (
    select arg_max(label, adjudication_number) as label
    from adjudication
    where item_id = $item_id
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
    decision.label is null and agreement.is_reviewed and not agreement.is_unanimous as conflicting
from (select item_id, gold_label from item where item_id = $item_id) as item, agreement, decision
