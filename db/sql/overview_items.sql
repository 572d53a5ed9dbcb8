-- Items by source, split, label set and label of record (null where there is none).
select item.source, item.split, item.label_set, gold.label, count(*)
from item
join gold on gold.item_id = item.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = item.item_id
group by item.source, item.split, item.label_set, gold.label
order by item.source, item.split, item.label_set, gold.label
