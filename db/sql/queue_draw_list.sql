-- All items that a queue was drawn from, and whether they have a place. turn: 0 is the first draw; one for
-- each time that later items were drawn.
select
    coalesce(try_cast(regexp_extract(stratum, ', added (\d+)$', 1) as bigint), 0) as turn,
    stratum,
    stratum_rank,
    item_id,
    queue_draw.item_id in (select item_id from queue_item where queue_id = $queue_id) as is_placed
from queue_draw
where queue_id = $queue_id
