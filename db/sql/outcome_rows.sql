-- The items that count for a run, each with how text and head fare against the gold label, from the
-- tables that scored_runs fills; but those that are hidden from the viewer. $gold: 'imported' or
-- 'record'. Callers select from it.
select
    item.item_no,
    item.item_id,
    item.source,
    item.split,
    item.labels,
    item.imported_label,
    item.record_label,
    item.record_origin,
    item.year_range,
    item.mesh,
    item.step,
    item.question_type,
    item.length_range,
    item.num_options,
    case $gold when 'record' then item.record_label else item.imported_label end as gold_label,
    outcome.has_text_outcome,
    outcome.text_label,
    outcome.text_form,
    outcome.hedging,
    outcome.head_label,
    outcome.head_confidence,
    outcome.head_probabilities,
    outcome.is_learned,
    outcome.unseen_basis,
    case when outcome.unseen_basis is not null
        then coalesce(outcome.out_of_fold, outcome.head_probabilities) end
        as unseen_probabilities,
    outcome.answer_characters,
    outcome.characters_past,
    outcome.answer_tokens,
    case
        when not outcome.has_text_outcome or outcome.head_label is null then null
        when outcome.text_label = gold_label and outcome.head_label = gold_label then 'both_right'
        when outcome.text_label = gold_label then 'text_right'
        when outcome.head_label = gold_label and outcome.text_label is null then 'head_rescued'
        when outcome.head_label = gold_label then 'head_right'
        when outcome.text_label is null then 'wrong_and_absent'
        when outcome.text_label = outcome.head_label then 'both_wrong_alike'
        else 'both_wrong_differently'
    end as pair_outcome
from scratch.outcome as outcome
join scratch.item as item on item.item_no = outcome.item_no
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = item.item_id
where outcome.run_id = $run_id
    and item.label_set = $label_set
    and case $gold when 'record' then item.record_label else item.imported_label end is not null
