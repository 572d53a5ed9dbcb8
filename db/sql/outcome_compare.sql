-- $by: 'text' or 'head'; $gold: 'imported' or 'record'; $label_set, $split: null for all.
with judged as (
    select
        run_id,
        item_id,
        question,
        case $gold when 'record' then record_label else imported_label end as gold_label,
        case $by when 'head' then head_label else text_label end as label,
        coalesce(label = gold_label, false) as is_right
    from scored_prediction
    where run_id in ($run_a, $run_b)
        and ($label_set::varchar is null or label_set = $label_set)
        and ($split::varchar is null or split = $split)
        and case $by when 'head' then head_label is not null else has_text_outcome end
        and gold_label is not null
)
select
    a.item_id,
    a.question,
    a.gold_label,
    a.label,
    b.label,
    case
        when a.is_right and b.is_right then 'both_right'
        when a.is_right then 'broken'
        when b.is_right then 'fixed'
        else 'both_wrong'
    end
from judged as a
join judged as b on b.item_id = a.item_id
where a.run_id = $run_a and b.run_id = $run_b
order by a.item_id
