-- Items in use with what the head gives their answer, and whether a reviewer judged them or a rule
-- accepted it.
select
    known.item_no,
    correctness.item_id,
    correctness.probability,
    prediction.text_label,
    correctness.item_id in (select item_id from standing_annotation where origin = 'review') as is_reviewed,
    correctness.item_id in (select item_id from accepted where run_id = $run_id) as is_accepted
from correctness
join scratch.item as known on known.item_id = correctness.item_id
join read_prediction as prediction
    on prediction.run_id = correctness.run_id and prediction.item_id = correctness.item_id
where correctness.run_id = $run_id and correctness.label_set = $label_set
    and prediction.text_label is not null
