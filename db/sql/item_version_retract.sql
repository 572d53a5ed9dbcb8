-- Take back what was said of an item before its sense changed: queues then ask for it again. The row is
-- in the name of who had said it, as every retraction is; its version is the one that asked for it.
insert into annotation by name
select
    $item_id || '/version-' || $version::varchar || '/' || said.annotation_id as annotation_id,
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
    $version::integer as item_version,
    said.annotation_id as retracted_annotation_id
from kept_annotation as said
join gold on gold.item_id = said.item_id
where said.item_id = $item_id
