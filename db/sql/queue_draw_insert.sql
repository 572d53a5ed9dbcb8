insert into queue_draw by name select $queue_id as queue_id, * from incoming_queue_draw
