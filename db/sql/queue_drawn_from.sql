-- Items that a queue was drawn from, with a place in it or without.
select item_id from queue_item where queue_id = $queue_id
union
select item_id from queue_draw where queue_id = $queue_id
