-- Flag, or unflag, every item of a batch.
insert into review_event by name
select
    $action as action, $reviewer_id as reviewer_id, item_id, $batch_id as new_value,
    $created_at::timestamp as created_at
from bulk_item
where batch_id = $batch_id
