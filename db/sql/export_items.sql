-- The columns that the importer of items reads, so that an export moves items to another store.
select
    item_id, source, question, context, label_set, labels, options, gold_label, long_answer,
    split, metadata, is_several
from item
anti join scratch.hidden_item($viewer) as hidden using (item_id)
order by item_id
