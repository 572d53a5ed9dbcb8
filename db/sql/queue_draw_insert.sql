insert into queue_draw by name select * from incoming_queue_draw
