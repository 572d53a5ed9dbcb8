select label_set, source, split, count(*)
from scored_prediction
where run_id = $run_id
group by label_set, source, split
order by label_set, source, split
