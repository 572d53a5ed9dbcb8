-- The items of one page in its order, as Browse shows them. The views over the log of annotations
-- are not used: nothing of theirs is left out for the items that are not on the page.
with shown as (
    select unnest($item_ids::varchar[]) as item_id, generate_subscripts($item_ids::varchar[], 1) as place
),
history as materialized (
    select annotation.* from annotation semi join shown using (item_id)
),
standing as (
    select item_id, reviewer_id, label, labels, origin
    from history
    where action = 'label'
        and annotation_id not in (
            select retracted_annotation_id from history where action = 'retract'
        )
    qualify row_number() over (
        partition by item_id, reviewer_id order by annotation_number desc
    ) = 1
),
agreement as (
    select
        item_id,
        count(*) as num_annotations,
        list_max(map_values(histogram(coalesce(label, array_to_string(labels, chr(31)), '')))) as num_agreeing,
        min(label) as label,
        coalesce(min(label) = max(label), true)
        and (
            count(label) = count(*) or (count(label) = 0 and count(distinct labels) = 1)
        ) as is_unanimous
    from standing
    where origin = 'review'
    group by item_id
),
decision as (
    select item_id, arg_max(label, adjudication_number) as label
    from standing_adjudication
    semi join shown using (item_id)
    group by item_id
),
mine as (
    select item_id, coalesce(label, array_to_string(labels, ', ')) as label
    from standing
    where reviewer_id = $reviewer_id
),
hidden as (
    select distinct item_id from scratch.hidden_item($viewer) semi join shown using (item_id)
),
answered as (
    select prediction.*
    from prediction
    semi join shown using (item_id)
    anti join hidden using (item_id)
    where run_id = $run_id
),
read as (
    select answer_reading.*
    from answer_reading
    semi join shown using (item_id)
    anti join hidden using (item_id)
    where run_id = $run_id
)
select
    item.item_id,
    item.source,
    item.split,
    item.question,
    case when hidden.item_id is null then coalesce(
        decision.label,
        case when agreement.is_unanimous then agreement.label end,
        item.gold_label
    ) end as gold_label,
    case
        when hidden.item_id is not null then null
        when decision.label is not null then 'adjudicated'
        when agreement.is_unanimous and agreement.label is not null then 'agreed'
        when item.gold_label is not null then 'imported'
    end as gold_origin,
    coalesce(answered.answer_label, read.label) as answer_label,
    coalesce(answered.answer_form, read.form) as answer_form,
    answered.head_label,
    answered.head_confidence,
    mine.label as my_label,
    case when hidden.item_id is null then coalesce(agreement.num_annotations, 0) else 0 end
        as num_annotations,
    hidden.item_id is null
        and decision.label is null
        and coalesce(not agreement.is_unanimous, false) as conflicting,
    hidden.item_id is not null as is_hidden,
    case when hidden.item_id is null then coalesce(agreement.num_agreeing, 0) else 0 end as num_agreeing
from shown
join every_item as item using (item_id)
left join agreement using (item_id)
left join decision using (item_id)
left join mine using (item_id)
left join answered using (item_id)
left join read using (item_id)
left join hidden using (item_id)
order by shown.place
