select count(*) from annotation where item_id = $item_id and queue_id = $queue_id
