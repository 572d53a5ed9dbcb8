select count(*)
from annotation
where item_id in (select unnest($item_ids::varchar[])) and queue_id = $queue_id
