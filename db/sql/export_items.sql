select
    item.item_id,
    item.source,
    item.question,
    item.context,
    item.label_set,
    item.labels,
    item.options,
    item.gold_label,
    item.long_answer,
    item.split,
    item.metadata,
    gold.label as label_of_record,
    gold.origin as label_of_record_origin
from item
left join gold using (item_id)
order by item.item_id
