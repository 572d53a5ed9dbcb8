select item_id from queue_item where queue_id = $queue_id and "position" = $position
