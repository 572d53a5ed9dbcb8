select item.label_set, item.source, item.split, count(*)
from scratch.outcome as outcome
join scratch.item as item on item.item_no = outcome.item_no
where outcome.run_id = $run_id
group by item.label_set, item.source, item.split
order by item.label_set, item.source, item.split
