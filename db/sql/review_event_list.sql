select
    action, reviewer_id, item_id, queue_id, phase, old_value, new_value, created_at, client_at
from review_event
where item_id = $item_id
order by event_number
