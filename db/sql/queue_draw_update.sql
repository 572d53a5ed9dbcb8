-- Probabilities of the items that a queue was drawn from, after it was given more places.
update queue_draw
set inclusion_probability = least(1.0, draw_size * reached.threshold)
from (
    select stratum, max(draw_threshold) as threshold
    from queue_draw
    semi join queue_item
        on queue_item.queue_id = queue_draw.queue_id and queue_item.item_id = queue_draw.item_id
    where queue_draw.queue_id = $queue_id
    group by stratum
) as reached
where queue_draw.queue_id = $queue_id and queue_draw.stratum = reached.stratum
