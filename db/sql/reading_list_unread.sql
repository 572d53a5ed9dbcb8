select
    prediction.run_id, prediction.item_id, prediction.answer, item.label_set, item.labels,
    item.options, prediction.answer_label, item.is_several, known.labels as set_labels
from prediction
join item on item.item_id = prediction.item_id
left join current_label_set as known on known.name = item.label_set
anti join answer_reading
    on answer_reading.run_id = prediction.run_id
    and answer_reading.item_id = prediction.item_id
    and answer_reading.reader_version = $reader_version
where len(item.labels) > 0 and prediction.answer is not null and prediction.answer_form is null
limit $limit
