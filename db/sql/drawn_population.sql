-- Items that two runs answered (or one, compared with itself): whether each run's label is right by
-- what reviewers say (null: they do not say, or do not agree) and by the imported label (null: none, then
-- the head's confidence). $by_a, $by_b: text or head; $source, $split: null for all. Callers select
-- from it.
select
    item_id,
    item_no,
    case when reviewed_label is not null then (label_a is not distinct from reviewed_label)::integer end
        as right_a,
    case when reviewed_label is not null then (label_b is not distinct from reviewed_label)::integer end
        as right_b,
    case when imported_label is not null then (label_a is not distinct from imported_label)::integer
        else confidence_a end as guess_a,
    case when imported_label is not null then (label_b is not distinct from imported_label)::integer
        else confidence_b end as guess_b,
    count(*) over () as num_population
from (
    select
        item.item_id,
        item.imported_label,
        case when item.record_origin in ('agreed', 'adjudicated') then item.record_label end
            as reviewed_label,
        case $by_a when 'head' then a.head_label else a.text_label end as label_a,
        case $by_b when 'head' then b.head_label else b.text_label end as label_b,
        case $by_a when 'head' then a.head_confidence end as confidence_a,
        case $by_b when 'head' then b.head_confidence end as confidence_b,
        item.item_no
    from scratch.outcome as a
    join scratch.outcome as b on b.item_no = a.item_no
    join scratch.item as item on item.item_no = a.item_no
    anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = item.item_id
    where a.run_id = $run_a
        and b.run_id = $run_b
        and item.label_set = $label_set
        and ($source::varchar is null or item.source = $source)
        and ($split::varchar is null or item.split = $split)
        and case $by_a when 'head' then a.head_label is not null else a.has_text_outcome end
        and case $by_b when 'head' then b.head_label is not null else b.has_text_outcome end
)
