delete from queue_draw where queue_id = $queue_id
