-- Items that two runs answered (or one, compared with itself), with the label of each run and what it is
-- compared with, from the tables that scored_runs fills; but those that are hidden from the viewer.
-- $by_a, $by_b: 'text' or 'head'; $gold: 'imported' or 'record'; $source, $split: null for all. Callers
-- select from it.
select
    item.item_id,
    item.item_no,
    item.imported_label,
    case when item.record_origin in ('agreed', 'adjudicated') then item.record_label end
        as reviewed_label,
    case $gold when 'record' then item.record_label else item.imported_label end as gold_label,
    case $by_a when 'head' then a.head_label else a.text_label end as label_a,
    case $by_b when 'head' then b.head_label else b.text_label end as label_b,
    case $by_a when 'head' then a.head_confidence end as confidence_a,
    case $by_b when 'head' then b.head_confidence end as confidence_b,
    case
        when label_a = gold_label and label_b = gold_label then 'both_right'
        when label_a = gold_label then 'broken'
        when label_b = gold_label then 'fixed'
        else 'both_wrong'
    end as change
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
