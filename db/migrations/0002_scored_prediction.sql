-- A prediction beside what it is scored against; what is counted on the Errors and Compare pages.
create view scored_prediction as
select
    read_prediction.run_id,
    read_prediction.item_id,
    item.source,
    item.split,
    item.label_set,
    item.question,
    item.gold_label as imported_label,
    gold.label as record_label,
    read_prediction.text_label,
    read_prediction.text_form,
    read_prediction.has_text_outcome,
    read_prediction.head_label,
    read_prediction.head_confidence
from read_prediction
join item on item.item_id = read_prediction.item_id
join gold on gold.item_id = read_prediction.item_id;
