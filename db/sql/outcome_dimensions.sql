-- What items and answers of a run are sliced by, whether they have a gold label or not; without what
-- reviewers decide. $source, $split: null for all. Callers select from it.
select
    item.item_no,
    item.source,
    item.split,
    item.year_range,
    item.mesh,
    item.step,
    item.question_type,
    item.length_range,
    item.num_options,
    outcome.hedging,
    outcome.text_form
from scratch.outcome as outcome
join scratch.item as item on item.item_no = outcome.item_no
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = item.item_id
where outcome.run_id = $run_id
    and item.label_set = $label_set
    and ($source::varchar is null or item.source = $source)
    and ($split::varchar is null or item.split = $split)
