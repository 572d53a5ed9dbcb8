-- One annotation for each item of the batch, as if its reviewer had saved the label.
insert into annotation by name
select
    $batch_id || '/' || target.item_id as annotation_id,
    target.item_id,
    $reviewer_id as reviewer_id,
    target.label,
    labels_in(target.label) as labels,
    $created_at::timestamp as created_at,
    'label' as action,
    'review' as origin,
    $run_id as run_id,
    gold.label as old_label,
    coalesce(mine.answer, prediction.answer) as old_answer,
    $note as note,
    'open' as phase,
    item.version as item_version
from incoming_target as target
join item on item.item_id = target.item_id
join gold on gold.item_id = target.item_id
left join (
    select item_id, answer from standing_annotation where reviewer_id = $reviewer_id
) as mine on mine.item_id = target.item_id
left join (
    select item_id, answer from prediction where run_id = $run_id
) as prediction on prediction.item_id = target.item_id
