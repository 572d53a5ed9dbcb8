insert into annotation by name
select
    $annotation_id as annotation_id,
    taken_back.item_id,
    taken_back.reviewer_id,
    $created_at::timestamp as created_at,
    'retract' as action,
    taken_back.origin,
    taken_back.run_id,
    $old_label as old_label,
    taken_back.answer as old_answer,
    '' as note,
    taken_back.phase,
    taken_back.queue_id,
    taken_back.item_version,
    taken_back.annotation_id as retracted_annotation_id
from annotation as taken_back
where taken_back.item_id = $item_id and taken_back.annotation_id = $retracted_annotation_id
