-- Items by their ids, each in all its versions; the caller sorts them.
select
    item_id, source, question, context, label_set, labels, options, gold_label, long_answer, split,
    metadata, version, is_several
from item_history
where item_id in ($item_ids)
