-- When people last changed what a run could learn from.
select max(correction.created_at)
from correction
join item on item.item_id = correction.item_id
where item.split <> 'test'
