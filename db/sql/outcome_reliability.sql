-- $gold: 'imported' or 'record'; $source, $split: null for all.
select
    least(floor(head_confidence * $num_bins::integer), $num_bins::integer - 1)::integer as bin,
    count(*),
    avg(head_confidence),
    avg((head_label = case $gold when 'record' then record_label else imported_label end)::integer)
from scored_prediction
where run_id = $run_id
    and label_set = $label_set
    and ($source::varchar is null or source = $source)
    and ($split::varchar is null or split = $split)
    and head_confidence is not null
    and case $gold when 'record' then record_label else imported_label end is not null
group by bin
order by bin
