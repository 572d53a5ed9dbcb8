-- Take back what was said of the items of a label set whose labels change; see label_move_annotations.
insert into annotation by name
select
    said.annotation_id || $suffix || '/retracted' as annotation_id,
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
    item.version + 1 as item_version,
    said.annotation_id as retracted_annotation_id
from kept_annotation as said
join every_item as item on item.item_id = said.item_id
join gold on gold.item_id = said.item_id
where item.label_set = $name and item.labels = $before::varchar[]
order by said.annotation_number
