insert into bulk_item by name
select
    $batch_id as batch_id,
    item_id,
    case when $has_annotation then $batch_id || '/' || item_id end as annotation_id
from incoming_target
