-- Take back what is kept of $reviewer_id; see person_merge_carry.
insert into annotation by name
select
    said.annotation_id || '/merged' as annotation_id,
    said.item_id,
    said.reviewer_id,
    $created_at::timestamp as created_at,
    'retract' as action,
    said.origin,
    said.run_id,
    gold.label as old_label,
    said.answer as old_answer,
    '' as note,
    said.phase,
    said.queue_id,
    said.item_version,
    said.annotation_id as retracted_annotation_id
from kept_annotation as said
join gold on gold.item_id = said.item_id
where said.reviewer_id = $reviewer_id and $into_id is not null
order by said.annotation_number
returning annotation_id
