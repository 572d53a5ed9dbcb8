-- The items that count for a run, each with how text and head fare against the gold label.
-- $gold: 'imported' or 'record'; $source, $split: null for all. Callers select from it.
select
    item_id,
    question,
    source,
    split,
    case $gold when 'record' then record_label else imported_label end as gold_label,
    has_text_outcome,
    text_label,
    text_form,
    head_label,
    head_confidence,
    case
        when not has_text_outcome or head_label is null then null
        when text_label = gold_label and head_label = gold_label then 'both_right'
        when text_label = gold_label then 'text_right'
        when head_label = gold_label and text_label is null then 'head_rescued'
        when head_label = gold_label then 'head_right'
        when text_label is null then 'wrong_and_absent'
        when text_label = head_label then 'both_wrong_alike'
        else 'both_wrong_differently'
    end as pair_outcome
from scored_prediction
where run_id = $run_id
    and label_set = $label_set
    and ($source::varchar is null or source = $source)
    and ($split::varchar is null or split = $split)
    and case $gold when 'record' then record_label else imported_label end is not null
