select fold, num_shots, count(*), count(distinct item_id)
from training_record
where run_id = $run_id
group by fold, num_shots
order by fold desc, num_shots
