select "position" from queue_item where queue_id = $queue_id and item_id = $item_id
