-- $queue_id. How many places it has, from how many items they were drawn, and in how many turns: the first
-- draw, and one for each time that items were added.
select
    (select count(*) from queue_item where queue_id = $queue_id),
    count(*),
    count(distinct regexp_extract(stratum, ', added (\d+)$', 1))
from queue_draw
where queue_id = $queue_id
