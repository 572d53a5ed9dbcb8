select
    item_id, source, question, context, label_set, labels, options, gold_label, long_answer,
    split, metadata, version
from every_item
where item_id = $item_id
