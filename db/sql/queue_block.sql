-- Items of a queue by their positions.
select item_id
from queue_item
where queue_id = $queue_id and "position" between $first_position and $last_position
order by "position"
