select run_id
from current_training_run
where state in ('queued', 'starting', 'running')
order by created_at desc, run_id desc
