-- $queue_id. Turns: the first draw, and one for each time that items were added.
select count(*), count(distinct regexp_extract(stratum, ', added (\d+)$', 1))
from queue_draw
where queue_id = $queue_id
