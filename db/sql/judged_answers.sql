-- The answers of models on training items that people accepted or rejected. The label of record has to be theirs. What a reviewer holds against an answer counts
-- where that reviewer's label is the one that stands; a program's judgement and a bulk edit read no text.
with judged as (
    select
        annotation.item_id,
        annotation.run_id,
        coalesce(
            bool_or(annotation.phase <> 'blind' and bulk_item.annotation_id is null)
                filter (where annotation.label = gold.label),
            false
        ) as was_read,
        coalesce(
            bool_or(
                annotation.answer is not null
                or annotation.severity is not null
                or list_contains(annotation.verdicts, 'model_wrong')
            )
                filter (where annotation.label = gold.label),
            false
        ) as is_objected_to,
        any_value(gold.label) as label
    from standing_annotation as annotation
    join gold on gold.item_id = annotation.item_id
    anti join program_token on program_token.reviewer_id = annotation.reviewer_id
    left join bulk_item on bulk_item.annotation_id = annotation.annotation_id
    where annotation.origin = 'review'
        and annotation.run_id is not null
        and gold.origin in ('agreed', 'adjudicated')
    group by annotation.item_id, annotation.run_id
)
select
    judged.item_id,
    judged.run_id,
    prediction.answer,
    case
        when prediction.text_label <> judged.label or judged.is_objected_to then false
        when prediction.text_label = judged.label and judged.was_read then true
    end as is_accepted
from judged
join item on item.item_id = judged.item_id
join read_prediction as prediction
    on prediction.item_id = judged.item_id and prediction.run_id = judged.run_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = judged.item_id
where item.split <> 'test' and trim(prediction.answer) <> '' and is_accepted is not null
order by judged.item_id, judged.run_id
