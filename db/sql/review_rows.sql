-- Every item as the Review and Browse pages show it, seen with one run and by one reviewer.
-- $run_id, $reviewer_id: null for none. Callers select from it and add the filters they need.
with reviewed as (
    select
        item_id,
        count(*) as num_annotations,
        string_agg(note, chr(10)) as notes,
        bool_or(is_fast and ($reviewer_id is null or reviewer_id = $reviewer_id)) as is_fast
    from standing_annotation
    where origin = 'review'
    group by item_id
),
flagged as (
    select distinct item_id
    from standing_flag
    where $reviewer_id is null or reviewer_id = $reviewer_id
),
mine as (
    select item_id, coalesce(label, array_to_string(labels, ', ')) as label
    from standing_annotation
    where reviewer_id = $reviewer_id
),
outcome as (
    select item_id, answer, text_label, text_form, has_text_outcome, head_label, head_confidence,
        head_margin, head_probabilities
    from read_prediction
    where run_id = $run_id
)
select
    item.item_id,
    item.source,
    item.split,
    item.question,
    gold.label as gold_label,
    gold.origin as gold_origin,
    outcome.text_label as answer_label,
    outcome.text_form as answer_form,
    outcome.head_label,
    outcome.head_confidence,
    mine.label as my_label,
    coalesce(reviewed.num_annotations, 0) as num_annotations,
    gold.conflicting,
    outcome.item_id is not null as is_predicted,
    coalesce(outcome.has_text_outcome, false) as has_text_outcome,
    coalesce(outcome.head_confidence, 2) as confidence_rank,
    coalesce(reviewed.is_fast, false) as is_fast,
    flagged.item_id is not null as is_flagged,
    outcome.head_margin,
    -- What the head gives the label of record: low where the label may be an error.
    outcome.head_probabilities[list_position(item.labels, gold.label)] as self_confidence,
    item.created_at as arrived_at,
    item.context,
    outcome.answer,
    reviewed.notes
from item
join gold on gold.item_id = item.item_id
left join outcome on outcome.item_id = item.item_id
left join mine on mine.item_id = item.item_id
left join flagged on flagged.item_id = item.item_id
left join reviewed on reviewed.item_id = item.item_id
