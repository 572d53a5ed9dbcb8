-- $by: 'text' or 'head'; $gold: 'imported' or 'record'; $source, $split: null for all.
select
    case $gold when 'record' then record_label else imported_label end as gold_label,
    case $by when 'head' then head_label else text_label end as predicted,
    count(*)
from scored_prediction
where run_id = $run_id
    and label_set = $label_set
    and ($source::varchar is null or source = $source)
    and ($split::varchar is null or split = $split)
    and case $by when 'head' then head_label is not null else has_text_outcome end
    and case $gold when 'record' then record_label else imported_label end is not null
group by all
order by all
