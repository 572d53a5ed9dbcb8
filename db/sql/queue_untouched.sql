-- Places of a queue that no one has ever had or labelled, in their order.
select item_id, "position"
from queue_item
anti join set_aside_item using (item_id)
where queue_id = $queue_id
    and "position" between $first_position and $last_position
    and item_id not in (select item_id from reservation where queue_id = $queue_id)
    and item_id not in (select item_id from annotation where queue_id = $queue_id)
order by "position"
