-- Of some items, in no order: the caller sorts a handful of rows faster than this does.
select *
from annotation
where item_id in ($item_ids)
