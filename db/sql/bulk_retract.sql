-- Take back the annotations of a batch that were not taken back since.
insert into annotation by name
select
    $prefix || taken_back.annotation_id as annotation_id,
    taken_back.item_id,
    taken_back.reviewer_id,
    $created_at::timestamp as created_at,
    'retract' as action,
    taken_back.origin,
    taken_back.run_id,
    gold.label as old_label,
    taken_back.answer as old_answer,
    '' as note,
    taken_back.phase,
    taken_back.queue_id,
    taken_back.item_version,
    taken_back.annotation_id as retracted_annotation_id
from kept_annotation as taken_back
join gold on gold.item_id = taken_back.item_id
where taken_back.annotation_id in (
    select annotation_id from bulk_item where batch_id = $batch_id
)
