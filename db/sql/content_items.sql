select
    item_id, source, question, context, label_set, labels, options, gold_label, long_answer,
    split, metadata
from item
where item_id in (select unnest($item_ids::varchar[]))
